import { readFileSync } from 'node:fs';
import { hexBytes } from './notation.ts';

/** What stands in tests/vectors, as far as several groups of questions read it. */
export const readVectors = <T>(file: string): T => readJson(`tests/vectors/${file}`) as T;
export const readJson = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));

/** One question and what its answer must say, in the notation of notation.ts. */
export type Vector = {
  readonly name: string;
  readonly request: { readonly op: string; readonly type?: string; readonly [field: string]: unknown };
  readonly expect: { readonly ok: unknown } | { readonly error: unknown };
};
export type VectorGroup = { readonly group: string; readonly vectors: readonly Vector[] };

export const $hex = (hex: string): { readonly $hex: string } => ({ $hex: hex });
export const refusal = (reason: string) => ({ error: { kind: 'refused', reason } });
export const elsewhere = $hex('ab'.repeat(16));

type Seeds = { readonly root: string; readonly device: string; readonly agreement: string };
export type EventFile = {
  readonly seeds: Readonly<Record<'anna' | 'bora', Seeds>>;
  readonly community: string;
  readonly events: readonly {
    readonly kind: string;
    readonly lane: number;
    readonly seq: number;
    readonly hlc: number;
    readonly id: string;
    readonly envelope: string;
    readonly payload: string;
  }[];
};

export type TokenFile = {
  readonly keys: Readonly<Record<'anna' | 'bora' | 'chen', string>>;
  readonly community: string;
  readonly epoch: string;
  readonly given: { readonly token: string; readonly links: readonly { readonly hash: string }[] };
  readonly handedOn: { readonly token: string; readonly links: readonly { readonly hash: string }[] };
};

/** One bit of the last signature's first half: a signature of the right shape over something else. */
export const flipped = (hex: string): string => {
  const bytes = hexBytes(hex);
  const at = bytes.length - 60;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return Buffer.from(bytes).toString('hex');
};
