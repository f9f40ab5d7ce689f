#!/usr/bin/env node
/**
 * Checks the starter library and writes its index.
 *
 *   node tests/run/library-index.mjs           writes static/library/index.json
 *   node tests/run/library-index.mjs --check   writes nothing; exits 1 when a guide breaks a rule or the index is old
 *
 * A guide may save or cost a life, so its rules are checked by machine: every figure in the text stands in a sentence
 * that names a source, and that source lists the same figure. The check functions are pure (text in, complaints out)
 * and are called by the unit test as well. Needs nothing but Node.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Words of a whole guide, and of the text under one `##` heading. */
export const guideLimits = { wordsMin: 450, wordsMax: 900, sectionWordsMin: 50, sectionWordsMax: 160 };

const languages = ['de', 'en'];
const requiredKeys = ['id', 'title', 'language', 'updated', 'licence', 'author', 'reviewer', 'keywords', 'questions'];
const sourceKeys = ['id', 'agency', 'title', 'year', 'figures'];
/** Guides whose first line must tell the reader to call the emergency number. */
const urgentGuides = new Set(['bleeding', 'burns', 'chemical-release', 'cold', 'cpr', 'fire', 'flood', 'heat']);
const firstCall = { en: /^Call 112\b/, de: /^Ruf 112\b/ };
/** Telephone numbers are not figures. */
const telephoneNumbers = /(?<![\d.,])(?:112|110|116 ?117)(?![\d]|[.,]\d)/g;

/** Numbers written as words, the word before its value. */
const numberWords = {
  en: 'one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 twelve 12 fifteen 15 twenty 20 thirty 30',
  de: 'zwei 2 drei 3 vier 4 fünf 5 sechs 6 sieben 7 acht 8 neun 9 zehn 10 zwölf 12 fünfzehn 15 zwanzig 20 dreißig 30',
};
const unitWords = {
  en: 'seconds?|minutes?|hours?|days?|weeks?|months?|years?|lit(?:re|er)s?|gallons?|drops?|metres?|meters?|feet|foot|inch(?:es)?|cm|km|degrees?|percent|kilos?|grams?|cups?|breaths?|compressions?',
  de: 'Sekunden?|Minuten?|Stunden?|Tagen?|Wochen?|Monaten?|Jahren?|Litern?|Tropfen|Metern?|Zentimetern?|cm|km|Grad|Prozent|Kilo|Gramm|Tassen?|Beatmungen|Atemspenden|Druckmassagen',
};

/**
 * Splits a guide into front matter and body.
 * @param {string} text
 * @returns {{ meta: Record<string, string>, sources: Array<Record<string, string>>, body: string } | null} null when there is no front matter
 */
export const parseGuide = (text) => {
  const match = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (match === null) return null;
  const [, head = '', body = ''] = match;
  const meta = {};
  const sources = [];
  let inSources = false;
  for (const line of head.split('\n')) {
    if (inSources && line.startsWith('  - ')) {
      sources.push(Object.fromEntries(line.slice(4).split(';').map(keyAndValue)));
      continue;
    }
    const [key, value] = keyAndValue(line);
    inSources = key === 'sources';
    if (!inSources) meta[key] = value;
  }
  return { meta, sources, body };
};

const keyAndValue = (part) => {
  const colon = part.indexOf(':');
  return colon < 0 ? [part.trim(), ''] : [part.slice(0, colon).trim(), part.slice(colon + 1).trim()];
};

/**
 * Every complaint about one guide, as sentences; an empty list means that it may ship.
 * @param {string} text the whole file
 * @param {{ id: string, language: string }} place what the path of the file promises
 * @returns {string[]}
 */
export const checkGuide = (text, place) => {
  const guide = parseGuide(text);
  if (guide === null) return ['There is no front matter between two lines of "---".'];
  return [
    ...checkMeta(guide.meta, place),
    ...checkSources(guide.sources),
    ...checkShape(guide.body, guide.meta, place),
    ...checkFigures(guide.body, guide.sources, place.language),
  ];
};

const checkMeta = (meta, { id, language }) => {
  const missing = requiredKeys.filter((key) => !meta[key]).map((key) => `The front matter has no "${key}".`);
  const wrong = [];
  if (meta.id && meta.id !== id) wrong.push(`The id "${meta.id}" is not the file name "${id}".`);
  if (meta.language && meta.language !== language)
    wrong.push(`The language "${meta.language}" is not the folder "${language}".`);
  if (meta.updated && !/^\d{4}-\d{2}-\d{2}$/.test(meta.updated)) wrong.push(`"updated" is not a date like 2026-01-31.`);
  return [...missing, ...wrong];
};

const checkSources = (sources) => {
  if (sources.length === 0) return ['The front matter lists no source.'];
  const ids = sources.map((source) => source.id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `The source "${id}" is listed twice.`);
  const gaps = sources.flatMap((source) =>
    sourceKeys.filter((key) => !source[key]).map((key) => `The source "${source.id ?? '?'}" has no "${key}".`),
  );
  const years = sources
    .filter((source) => source.year && !/^(19|20)\d{2}$/.test(source.year))
    .map((source) => `The source "${source.id}" has no year of four digits.`);
  return [...twice, ...gaps, ...years];
};

const checkShape = (body, meta, { id, language }) => {
  const complaints = [];
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  if (lines[0] !== `# ${meta.title}`) complaints.push('The body does not begin with "# " and the title.');
  if (!lines[1]?.startsWith('## ')) complaints.push('There is text before the first "##" heading.');
  const firstLine = lines.find((line) => !line.startsWith('#')) ?? '';
  if (urgentGuides.has(id) && firstCall[language]?.test(firstLine) !== true) {
    complaints.push('A guide about danger to life must begin with the call to 112.');
  }
  if (/^\s*\|/m.test(body)) complaints.push('There is a table.');
  if (/!?\[[^\]]*\]\(|https?:|www\./.test(body)) complaints.push('There is a link or an image.');
  if (/<\/?[a-z][^>]*>/i.test(body)) complaints.push('There is HTML.');
  const { wordsMin, wordsMax, sectionWordsMin, sectionWordsMax } = guideLimits;
  const words = countWords(body);
  if (words < wordsMin || words > wordsMax)
    complaints.push(`The guide has ${words} words, not ${wordsMin} to ${wordsMax}.`);
  for (const section of body.split(/^## /m).slice(1)) {
    const heading = section.slice(0, section.indexOf('\n'));
    const length = countWords(section.slice(heading.length));
    if (length < sectionWordsMin || length > sectionWordsMax) {
      complaints.push(`"${heading}" has ${length} words, not ${sectionWordsMin} to ${sectionWordsMax}.`);
    }
  }
  return complaints;
};

const countWords = (text) =>
  text
    .replace(/\[[a-z0-9-]+\]/g, ' ')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** Every sentence with a figure names a source, and one of the sources it names lists that figure. */
const checkFigures = (body, sources, language) => {
  const figuresBySource = new Map(sources.map((source) => [source.id, new Set(numbersIn(source.figures ?? ''))]));
  const complaints = [];
  for (const sentence of sentencesOf(body)) {
    const marks = [...sentence.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '');
    for (const mark of marks) {
      if (!figuresBySource.has(mark)) complaints.push(`The mark [${mark}] names no listed source: ${sentence}`);
    }
    for (const figure of figuresIn(sentence, language)) {
      if (marks.length === 0) complaints.push(`The figure ${figure} has no source: ${sentence}`);
      else if (!marks.some((mark) => figuresBySource.get(mark)?.has(figure))) {
        complaints.push(`The figure ${figure} is not among the figures of [${marks.join('], [')}]: ${sentence}`);
      }
    }
  }
  return complaints;
};

/** List items and paragraphs (wrapped lines joined), cut into sentences. Headings carry no figures worth a source. */
const sentencesOf = (body) =>
  body
    .split('\n')
    .map((line) => (line.startsWith('#') ? '' : line))
    .join('\n')
    .replace(/\n(?=\s*(?:[-*]|\d+\.)\s)/g, '\n\n')
    .split(/\n\s*\n/)
    .map((block) =>
      block
        .replace(/^\s*(?:[-*]|\d+\.)\s+/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((block) => block !== '')
    .flatMap((block) => block.split(/(?<=[.!?:])\s+(?=["„“]?\p{Lu})/u));

const figuresIn = (sentence, language) => {
  const plain = sentence.replace(/\[[^\]]*\]/g, ' ').replace(telephoneNumbers, ' ');
  const words = Object.fromEntries(
    (numberWords[language] ?? '').matchAll(/(\S+) (\d+)/g).map(([, word, value]) => [word, value]),
  );
  const spelled = new RegExp(
    `(?<!\\p{L})(${Object.keys(words).join('|')})(?: [\\p{Ll}-]+)? (?:${unitWords[language]})(?!\\p{L})`,
    'giu',
  );
  return [...numbersIn(plain), ...[...plain.matchAll(spelled)].map((match) => words[match[1]?.toLowerCase() ?? ''])];
};

/** "0,5" and "0.5" are the same number. */
const numbersIn = (text) => [...text.matchAll(/\d+(?:[.,]\d+)*/g)].map((match) => match[0].replace(/,/g, '.'));

/**
 * Complaints about the library as a whole: every guide exists in both languages.
 * @param {Array<{ id: string, language: string }>} guides
 * @returns {string[]}
 */
export const checkTwins = (guides) => {
  const known = new Set(guides.map(({ id, language }) => `${language}/${id}`));
  return [...new Set(guides.map(({ id }) => id))].flatMap((id) =>
    languages
      .filter((language) => !known.has(`${language}/${id}`))
      .map((language) => `${id}: there is no ${language}/${id}.md beside its twin.`),
  );
};

/**
 * Reads every guide below a library folder, sorted by language, then id.
 * @param {string} folder
 * @returns {Array<{ id: string, language: string, path: string, bytes: Buffer, text: string }>}
 */
export const readGuides = (folder) =>
  languages.flatMap((language) =>
    readdirSync(join(folder, language))
      .filter((name) => name.endsWith('.md'))
      .sort()
      .map((name) => {
        const bytes = readFileSync(join(folder, language, name));
        return {
          id: basename(name, '.md'),
          language,
          path: `library/${language}/${name}`,
          bytes,
          text: bytes.toString('utf8'),
        };
      }),
  );

/**
 * The index file: what a device needs to fetch and verify each guide.
 * @param {ReturnType<typeof readGuides>} guides
 * @returns {string} JSON text with a final newline
 */
export const indexOf = (guides) => {
  const rows = guides.map(({ id, language, path, bytes, text }) => {
    const meta = parseGuide(text)?.meta ?? {};
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return {
      id,
      language,
      title: meta.title ?? '',
      path,
      sizeBytes: bytes.length,
      sha256,
      updated: meta.updated ?? '',
    };
  });
  return `${JSON.stringify({ version: 1, guides: rows }, null, 2)}\n`;
};

/**
 * Every complaint about every guide, each beginning with its file.
 * @param {ReturnType<typeof readGuides>} guides
 * @returns {string[]}
 */
export const checkLibrary = (guides) => [
  ...guides.flatMap((guide) => checkGuide(guide.text, guide).map((complaint) => `${guide.path}: ${complaint}`)),
  ...checkTwins(guides),
];

const main = (isCheck) => {
  const folder = fileURLToPath(new URL('../../static/library/', import.meta.url));
  const indexPath = join(folder, 'index.json');
  const guides = readGuides(folder);
  const complaints = checkLibrary(guides);
  const index = indexOf(guides);
  if (!isCheck) writeFileSync(indexPath, index);
  else if (readIfThere(indexPath) !== index)
    complaints.push('index.json is out of date: run node tests/run/library-index.mjs');
  for (const complaint of complaints) console.error(complaint);
  console.log(`${guides.length} guides, ${complaints.length} complaints.`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
};

const readIfThere = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause?.code === 'ENOENT') return null;
    throw cause;
  }
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.includes('--check'));
}
