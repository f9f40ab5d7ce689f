import { toJsonSchema, type ConversionConfig, type JsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { limits } from '../../src/lib/kernel/limits.ts';

/** JSON Schema as plain data: keywords of draft 2020-12, and those that begin with `x-` (docs/CONFORMANCE.md, Schemas). */
export type SchemaText = { readonly [keyword: string]: unknown };

/**
 * A contract's schema as JSON Schema. Nothing is left out in silence: what has no keyword of its own gets one that begins with
 * `x-`, and what this file does not know throws, so that whoever writes the contract decides how others shall read it.
 */
export const renderSchema = (schema: GenericSchema): SchemaText => {
  const { $schema: _dialect, ...keywords } = toJsonSchema(schema, rendering);
  assertPortable(keywords);
  return keywords as SchemaText;
};

type SchemaContext = Parameters<NonNullable<ConversionConfig['overrideSchema']>>[0];
type ActionContext = Parameters<NonNullable<ConversionConfig['overrideAction']>>[0];

/** On the wire a byte string of CBOR; in JSON its base64url text. */
const bytes: JsonSchema = { type: 'string', contentEncoding: 'base64url', ...{ 'x-cbor': 'bytes' } };

const overrideSchema = ({ valibotSchema }: SchemaContext): JsonSchema | undefined => {
  if (valibotSchema.type !== 'instance') return undefined;
  const made = (valibotSchema as unknown as { class: unknown }).class;
  if (made === Uint8Array) return bytes;
  // A file of the browser stays on its device: nothing that travels fits.
  return made === Blob ? { not: {}, ...{ 'x-local': 'Blob' } } : undefined;
};

const overrideAction = ({ valibotAction, jsonSchema }: ActionContext): JsonSchema | undefined => {
  if (valibotAction.type === 'trim') return { ...jsonSchema, ...{ 'x-trim': true } };
  if (valibotAction.type === 'check') return { ...jsonSchema, ...renderCheck(valibotAction as unknown as Check) };
  if (!('x-cbor' in jsonSchema)) return undefined;
  if (valibotAction.type !== 'max_length')
    throw new Error(`bytes with the action ${valibotAction.type} have no keyword yet`);
  const most = (valibotAction as unknown as { requirement: number }).requirement;
  return { ...jsonSchema, maxLength: Math.ceil((most * 4) / 3), ...{ 'x-maxBytes': most } };
};

const rendering: ConversionConfig = { target: 'draft-2020-12', overrideSchema, overrideAction };

type Check = { readonly message: unknown; readonly requirement: (value: unknown) => boolean };
type KnownCheck = {
  readonly keywords: SchemaText;
  readonly accepts: readonly unknown[];
  readonly refuses: readonly unknown[];
};

/**
 * A check is code, which no schema can hold; so each is described here by hand, and is asked at its edges whether it still does
 * what is said of it.
 */
const renderCheck = ({ message, requirement }: Check): SchemaText => {
  const known = typeof message === 'string' ? knownChecks[message] : undefined;
  if (!known) throw new Error(`the check "${String(message)}" is described nowhere; add it to knownChecks`);
  const isAsSaid =
    known.accepts.every((value) => requirement(value)) && !known.refuses.some((value) => requirement(value));
  if (!isAsSaid) throw new Error(`the check "${String(message)}" does not do what knownChecks says of it`);
  return known.keywords;
};

const fieldsOf = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, 1]));
const longestCommand = `a.${'b'.repeat(limits.tokenTextCharsMax - 2)}`;

const knownChecks: Readonly<Record<string, KnownCheck>> = {
  'too many fields': {
    keywords: { minProperties: 1, maxProperties: limits.tokenFieldsMax },
    accepts: [fieldsOf(1), fieldsOf(limits.tokenFieldsMax)],
    refuses: [fieldsOf(0), fieldsOf(limits.tokenFieldsMax + 1)],
  },
  'too many areas': {
    keywords: { maxProperties: limits.givingAreasMax },
    accepts: [fieldsOf(0), fieldsOf(limits.givingAreasMax)],
    refuses: [fieldsOf(limits.givingAreasMax + 1)],
  },
  'not a command': {
    keywords: {
      pattern: '^[a-z]+(?:(?:\\.[a-zA-Z]+)+|(?:\\.[a-zA-Z]+)*\\.)$',
      maxLength: limits.tokenTextCharsMax,
    },
    accepts: ['library.', 'library.search', 'auth.token.', 'auth.token.issue', longestCommand],
    refuses: ['', 'library', '.', '*', 'library.*', 'Library.search', 'library..', 'library.1', `${longestCommand}b`],
  },
};

/** Validators read patterns with the flag `u`, by which some spellings that JavaScript takes without it are errors. */
const assertPortable = (value: unknown): void => {
  if (Array.isArray(value)) return value.forEach(assertPortable);
  if (typeof value !== 'object' || value === null) return;
  for (const [keyword, each] of Object.entries(value)) {
    if (keyword === 'pattern' && typeof each === 'string') void new RegExp(each, 'u');
    assertPortable(each);
  }
};
