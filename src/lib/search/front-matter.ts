import { limits } from '../kernel/limits.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** Where a figure of a guide comes from; the text marks it as `[id]`. Absent parts are ''; an absent year is 0. */
export type DocumentSource = {
  readonly id: string;
  readonly agency: string;
  readonly title: string;
  readonly year: number;
  readonly figures: string;
};

/** `bodyAt`: where the body starts in the text that was parsed. Keys of `fields` are lower case. */
export type FrontMatter = {
  readonly fields: ReadonlyMap<string, string>;
  readonly sources: readonly DocumentSource[];
  readonly bodyAt: number;
};

export type FrontMatterRefusal = {
  readonly type: 'FrontMatterMalformed';
  /** Counted from 1. */
  readonly line: number;
  readonly why:
    | 'never-closed'
    | 'line-too-long'
    | 'no-key'
    | 'forbidden-key'
    | 'key-twice'
    | 'too-many-sources'
    | 'source-malformed';
};

/**
 * The block between two lines of `---` at the start of a document: `key: value` a line, and `sources:` with one
 * `  - id: x; agency: y; title: z; year: n; figures: ...` a line. Other lists and comments are skipped, so notes from
 * elsewhere come in too. Total and bounded; a line `---` followed by an empty line is a rule in the text, not front matter.
 */
export const readFrontMatter = (text: string): Result<FrontMatter, FrontMatterRefusal> => {
  if (!/^---[ \t]*\n(?!\s*\n)/.test(text)) return ok({ fields: new Map(), sources: [], bodyAt: 0 });
  const reading: Reading = { fields: new Map(), sources: [], list: '' };
  let at = text.indexOf('\n') + 1;
  for (let line = 2; line <= limits.frontMatterLinesMax; line++) {
    const end = lineEnd(text, at);
    if (end - at > limits.frontMatterLineCharsMax)
      return err({ type: 'FrontMatterMalformed', line, why: 'line-too-long' });
    const content = text.slice(at, end).trimEnd();
    if (content === '---')
      return ok({ fields: reading.fields, sources: reading.sources, bodyAt: Math.min(end + 1, text.length) });
    if (end >= text.length) break;
    const why = readLine(reading, content);
    if (why !== null) return err({ type: 'FrontMatterMalformed', line, why });
    at = end + 1;
  }
  return err({ type: 'FrontMatterMalformed', line: 1, why: 'never-closed' });
};

type Reading = { readonly fields: Map<string, string>; readonly sources: DocumentSource[]; list: string };
type Why = FrontMatterRefusal['why'];

/** Not only a matter of style: a key must not be able to reach an object's prototype wherever the fields go later. */
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
};

const readLine = (reading: Reading, line: string): Why | null => {
  if (line.trim() === '' || line.startsWith('#')) return null;
  if (/^(\s|-)/.test(line)) return reading.list === 'sources' ? addSource(reading.sources, line) : null;
  const colon = line.indexOf(':');
  if (colon < 1) return 'no-key';
  const key = line.slice(0, colon).trim().toLowerCase();
  if (forbiddenKeys.has(key)) return 'forbidden-key';
  if (!/^[a-z][a-z0-9_ -]*$/.test(key)) return 'no-key';
  if (reading.fields.has(key)) return 'key-twice';
  reading.fields.set(key, unquoted(line.slice(colon + 1).trim()));
  reading.list = key;
  return null;
};

const unquoted = (value: string): string =>
  /^(["']).*\1$/.test(value) && value.length >= 2 ? value.slice(1, -1) : value;

const addSource = (sources: DocumentSource[], line: string): Why | null => {
  if (sources.length >= limits.documentSourcesMax) return 'too-many-sources';
  const source = parseSource(line);
  if (source === null) return 'source-malformed';
  sources.push(source);
  return null;
};

const sourceParts = ['id', 'agency', 'title', 'year', 'figures'];

/** A semicolon inside a value is kept: a piece that does not begin with a known part belongs to the value before it. */
const parseSource = (line: string): DocumentSource | null => {
  const item = /^\s*-\s+(.*)$/.exec(line)?.[1];
  if (item === undefined) return null;
  const parts = new Map<string, string>();
  let current = '';
  for (const piece of item.split(';')) {
    const match = /^\s*([a-z]+)\s*:\s*(.*)$/.exec(piece);
    const name = match?.[1];
    if (name !== undefined && sourceParts.includes(name) && !parts.has(name)) {
      current = name;
      parts.set(name, (match?.[2] ?? '').trim());
    } else if (current !== '') {
      parts.set(current, `${parts.get(current) ?? ''};${piece}`.trim());
    }
  }
  const id = parts.get('id') ?? '';
  const year = parts.get('year') ?? '0';
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(id) || !/^\d{1,4}$/.test(year)) return null;
  return {
    id,
    agency: parts.get('agency') ?? '',
    title: parts.get('title') ?? '',
    year: Number(year),
    figures: parts.get('figures') ?? '',
  };
};
