import { utf8ToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { type DocumentSource, type FrontMatterRefusal, readFrontMatter } from './front-matter.ts';
import { isLanguage, type Language } from './language.ts';
import { detectLanguage, eachWord, withoutInvisible } from './text.ts';

/** A guide or a plain text, read. Every passage and quote is a place in `body`, in UTF-16 units as JavaScript counts. */
export type Document = {
  readonly title: string;
  readonly language: Language;
  /** The text below the front matter, line ends as \n. */
  readonly body: string;
  readonly sources: readonly DocumentSource[];
  /** As the document states it, or ''. */
  readonly licence: string;
  readonly updated: string;
  readonly author: string;
  readonly reviewer: string;
  /** Words and questions under which the document wants to be found. */
  readonly labels: string;
};

/** What the person who adds it says about a document; it fills what the document does not state itself. */
export type DocumentHints = {
  readonly fileName?: string;
  readonly title?: string;
  readonly language?: Language;
  readonly licence?: string;
};

export type DocumentRefusal =
  | { readonly type: 'TooLarge'; readonly sizeBytes: number; readonly limitBytes: number }
  | { readonly type: 'NotUtf8' }
  /** NUL or a crowd of control characters: a file of another kind under a text name. */
  | { readonly type: 'Binary' }
  /** No word in it that could be searched for. */
  | { readonly type: 'Empty' }
  | FrontMatterRefusal;

/** Total: bytes from anywhere become a document or a reason. */
export const parseDocument = (bytes: Uint8Array, hints: DocumentHints = {}): Result<Document, DocumentRefusal> => {
  if (bytes.length > limits.documentBytesMax) {
    return err({ type: 'TooLarge', sizeBytes: bytes.length, limitBytes: limits.documentBytesMax });
  }
  if (bytes.includes(0)) return err({ type: 'Binary' });
  const decoded = utf8ToText(bytes);
  if (decoded === null) return err({ type: 'NotUtf8' });
  if (looksBinary(decoded)) return err({ type: 'Binary' });
  const text = decoded.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const front = readFrontMatter(text);
  if (!front.ok) return front;
  const { fields, sources, bodyAt } = front.value;
  const body = text.slice(bodyAt);
  if (!hasWord(body)) return err({ type: 'Empty' });
  const field = (key: string): string => oneLine(fields.get(key) ?? '');
  return ok({
    title: field('title') || titleOf(body, hints),
    language: languageOf(field('language'), hints, body),
    body,
    sources: sources.map((source) => ({
      ...source,
      agency: oneLine(source.agency),
      title: oneLine(source.title),
      figures: oneLine(source.figures),
    })),
    licence: field('licence') || field('license') || oneLine(hints.licence ?? ''),
    updated: field('updated') || field('date'),
    author: field('author'),
    reviewer: field('reviewer'),
    labels: `${fields.get('keywords') ?? ''}\n${fields.get('questions') ?? ''}`.trim(),
  });
};

/** PDF and friends are refused by their control characters when they happen to be valid UTF-8. */
const looksBinary = (text: string): boolean => {
  const sample = text.slice(0, limits.languageSampleChars);
  const controls = sample.match(controlCharacters)?.length ?? 0;
  return text.startsWith('%PDF-') || controls * 100 > sample.length;
};

// oxlint-disable-next-line no-control-regex
const controlCharacters = /[\u0000-\u0008\u000e-\u001f\u007f]/g;

const hasWord = (body: string): boolean => {
  let has = false;
  eachWord(body, () => {
    has = true;
  });
  return has;
};

/** Fit for a label on screen: one line, no control or direction characters that could disguise it, bounded. */
const oneLine = (text: string): string =>
  withoutInvisible(text.slice(0, limits.frontMatterLineCharsMax))
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f\s]+/g, ' ')
    .trim()
    .slice(0, limits.frontMatterLineCharsMax);

const titleOf = (body: string, hints: DocumentHints): string => {
  const heading = /^#{1,6}[ \t]+(.+)$/m.exec(body)?.[1]?.replace(/[ \t]+#*$/, '');
  const name = (hints.fileName ?? '')
    .replace(/^.*[/\\]/, '')
    .replace(/\.[A-Za-z0-9]{1,8}$/, '')
    .replaceAll('_', ' ');
  const firstLine = body.trimStart().split('\n', 1)[0] ?? '';
  for (const candidate of [heading, hints.title, name, firstLine]) {
    const title = cutAt(oneLine(candidate ?? ''), limits.titleCharsMax);
    if (title !== '') return title;
  }
  return '-';
};

/** Never leaves half of a surrogate pair at the end. */
const cutAt = (text: string, chars: number): string =>
  text.length <= chars ? text : text.slice(0, chars).replace(/[\ud800-\udbff]$/, '');

/** "de-AT" counts as de. A language without an analyzer is read as the nearer of those with one. */
const languageOf = (stated: string, hints: DocumentHints, body: string): Language => {
  const short = stated.slice(0, 2).toLowerCase();
  return isLanguage(short) ? short : (hints.language ?? detectLanguage(body));
};
