import fc from 'fast-check';
import type { SchemaText } from '../conformance/json-schema.ts';

/**
 * A reader of JSON Schema made from docs/CONFORMANCE.md alone, as somebody else would write one: it knows the keywords named there
 * and no others, and reads values as they are on the wire (bytes are bytes).
 */
export const fits = (schema: SchemaText, value: unknown): boolean => {
  for (const keyword of Object.keys(schema))
    if (!known.has(keyword)) throw new Error(`the keyword ${keyword} is not in docs/CONFORMANCE.md`);
  if (schema['not'] !== undefined) return false;
  if (Array.isArray(schema['anyOf'])) return schema['anyOf'].some((each) => fits(each as SchemaText, value));
  if ('const' in schema && value !== schema['const']) return false;
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) return false;
  if (schema['x-cbor'] === 'bytes')
    return value instanceof Uint8Array && value.length <= (numberOf(schema, 'x-maxBytes') ?? Infinity);
  switch (schema['type']) {
    case 'string':
      return typeof value === 'string' && fitsText(schema, schema['x-trim'] === true ? value.trim() : value);
    case 'integer':
    case 'number':
      return fitsNumber(schema, value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value) && fitsList(schema, value);
    case 'object':
      return fitsObject(schema, value);
    default:
      return true;
  }
};

const known = new Set([
  ...['type', 'properties', 'required', 'items', 'enum', 'const', 'anyOf', 'not', 'default', 'pattern'],
  ...['minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'propertyNames', 'additionalProperties'],
  ...['minProperties', 'maxProperties', 'contentEncoding', 'x-cbor', 'x-maxBytes', 'x-trim', 'x-local'],
]);

const numberOf = (schema: SchemaText, keyword: string): number | undefined =>
  typeof schema[keyword] === 'number' ? schema[keyword] : undefined;
const within = (schema: SchemaText, value: number, least: string, most: string): boolean =>
  value >= (numberOf(schema, least) ?? -Infinity) && value <= (numberOf(schema, most) ?? Infinity);

const fitsText = (schema: SchemaText, text: string): boolean =>
  within(schema, text.length, 'minLength', 'maxLength') &&
  (typeof schema['pattern'] !== 'string' || new RegExp(schema['pattern'], 'u').test(text));

const fitsNumber = (schema: SchemaText, value: unknown): boolean =>
  typeof value === 'number' &&
  (schema['type'] === 'number' || Number.isInteger(value)) &&
  within(schema, value, 'minimum', 'maximum');

const fitsList = (schema: SchemaText, list: readonly unknown[]): boolean =>
  within(schema, list.length, 'minItems', 'maxItems') &&
  list.every((each) => fits(schema['items'] as SchemaText, each));

const fitsObject = (schema: SchemaText, value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || isListOrBytes(value)) return false;
  const fields = value as { readonly [name: string]: unknown };
  const { properties = {}, required = [] } = schema as {
    readonly properties?: { readonly [name: string]: SchemaText };
    readonly required?: readonly string[];
  };
  const names = Object.keys(fields);
  if (!required.every((name) => Object.hasOwn(fields, name))) return false;
  if (!within(schema, names.length, 'minProperties', 'maxProperties')) return false;
  if (schema['propertyNames'] && !names.every((name) => fits(schema['propertyNames'] as SchemaText, name)))
    return false;
  return names.every((name) => {
    const own = properties[name] ?? schema['additionalProperties'];
    return own === undefined || fits(own as SchemaText, fields[name]);
  });
};

/** Values that fit a schema, or nearly: each bound is met at its edge, and here and there something else stands in its place. */
export const valuesNear = (schema: SchemaText): fc.Arbitrary<unknown> => {
  // A list or bytes where a map without required members belongs: docs/CONFORMANCE.md leaves open whether they are taken.
  const other = schema['type'] === 'object' ? strange.filter((value) => !isListOrBytes(value)) : strange;
  return fc.oneof({ weight: 60, arbitrary: valuesOf(schema) }, { weight: 1, arbitrary: other });
};

const isListOrBytes = (value: unknown): boolean => Array.isArray(value) || value instanceof Uint8Array;

const strange = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 0, 2 ** 53 - 1, '', ' x ', [], {}, { k: 1 }),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => new Uint8Array(bytes)),
  fc.string({ maxLength: 12 }),
);

/** Mostly what is inside the bounds, sometimes what is just outside. */
const mostly = <T>(inside: readonly T[], outside: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...inside) },
    { weight: 1, arbitrary: fc.constantFrom(...outside) },
  );

const valuesOf = (schema: SchemaText): fc.Arbitrary<unknown> => {
  if (Array.isArray(schema['anyOf'])) return fc.oneof(...schema['anyOf'].map((each) => valuesNear(each as SchemaText)));
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return mostly<unknown>(schema['enum'], ['other']);
  if (schema['x-cbor'] === 'bytes') {
    const most = numberOf(schema, 'x-maxBytes') ?? 4;
    return mostly([0, most], [most + 1]).map((length) => new Uint8Array(length));
  }
  switch (schema['type']) {
    case 'string':
      return textsOf(schema);
    case 'integer':
    case 'number': {
      const [least, most] = [numberOf(schema, 'minimum') ?? -5, numberOf(schema, 'maximum') ?? 5];
      return mostly([least, least + 1, most], [least - 1, most + 1, least + 0.5]);
    }
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return listsOf(schema);
    case 'object':
      return objectsOf(schema);
    default:
      return fc.constant(undefined);
  }
};

const listsOf = (schema: SchemaText): fc.Arbitrary<unknown> => {
  const [least, most] = [numberOf(schema, 'minItems') ?? 0, numberOf(schema, 'maxItems') ?? 3];
  const lengths =
    most <= 40 ? mostly([least, most], [most + 1, Math.max(0, least - 1)]) : fc.constantFrom(least, least + 1);
  return fc
    .tuple(lengths, valuesNear(schema['items'] as SchemaText))
    .map(([length, item]) => Array.from({ length }, () => item));
};

const textsOf = (schema: SchemaText): fc.Arbitrary<string> => {
  const [least, most] = [numberOf(schema, 'minLength') ?? 0, numberOf(schema, 'maxLength') ?? 30];
  const plain = mostly([least, most], [least - 1, most + 1]).map((length) => 'a'.repeat(Math.max(0, length)));
  const padded = fc.constantFrom(` ${'b'.repeat(most)} `, '   ', '🥖'.repeat(Math.ceil(most / 2)));
  if (typeof schema['pattern'] !== 'string')
    return fc.oneof({ weight: 30, arbitrary: plain }, { weight: 1, arbitrary: padded });
  const matching = fc.stringMatching(new RegExp(schema['pattern'], 'u'));
  return fc.oneof({ weight: 40, arbitrary: matching }, { weight: 1, arbitrary: plain });
};

const objectsOf = (schema: SchemaText): fc.Arbitrary<unknown> => {
  const properties = (schema['properties'] ?? {}) as { readonly [name: string]: SchemaText };
  const model = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, valuesNear(each)]));
  const own = fc.oneof(
    { weight: 9, arbitrary: fc.record(model) },
    { weight: 1, arbitrary: fc.record(model, { requiredKeys: [] }) },
  );
  const more = schema['additionalProperties'] as SchemaText | undefined;
  if (more === undefined)
    return fc.tuple(own, fc.constantFrom({}, { colour: 'red' })).map(([a, b]) => ({ ...b, ...a }));
  const most = numberOf(schema, 'maxProperties') ?? 3;
  const counts = mostly([numberOf(schema, 'minProperties') ?? 0, most], [0, most + 1]);
  const names = counts.map((count) => Array.from({ length: count }, (_, at) => nameOf(at)));
  return fc.tuple(names, valuesNear(more)).map(([all, value]) => Object.fromEntries(all.map((name) => [name, value])));
};

/** Different names of letters only. */
const nameOf = (at: number): string => `f${'g'.repeat(at % 16)}${'h'.repeat(at >> 4)}`;
