import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  check,
  date,
  instance,
  maxLength,
  minLength,
  object,
  pipe,
  regex,
  safeParse,
  string,
  transform,
  trim,
} from 'valibot';
import { describe, expect, it } from 'vitest';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { schemaOf } from '../../src/lib/contracts/schema-hashes.ts';
import { capabilityId } from '../../src/lib/kernel/bus/capability.ts';
import { textToBytes, bytesToText } from '../../src/lib/kernel/ids.ts';
import { fits, valuesNear } from './schema-reader.ts';
import { renderSchema } from '../conformance/json-schema.ts';
import {
  canonicalJson,
  compareBooks,
  describeAll,
  schemasPath,
  writeBook,
  type DescribedCapability,
  type SchemaBook,
} from '../conformance/schema-files.ts';

const readText = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const published = (JSON.parse(readText(schemasPath)) as { capabilities: SchemaBook }).capabilities;
const book = describeAll(contractsByName.values());

describe('the published schemas', () => {
  it('change only together with a version', () => {
    const { broken } = compareBooks(published, book);
    const advice =
      'Raise the version in the contract, then run: node tests/run/schemas.mjs (before the first release, --accept takes the change as it is)';
    expect(broken, advice).toEqual([]);
  });

  it('are those of the contracts', async () => {
    for (const [path, text] of Object.entries(await writeBook(book)))
      expect(readText(path) === text, `${path} is stale; run: node tests/run/schemas.mjs`).toBe(true);
  });

  it('hold every capability of this build once, by name and version', () => {
    expect(Object.keys(published).sort()).toEqual([...contractsByName.values()].map(capabilityId).sort());
  });

  it('give every capability that leaves a device eight bytes of its hash, and nothing else any', () => {
    for (const capability of contractsByName.values()) {
      const id = capabilityId(capability);
      const leaves = capability.routable || capability.policy !== 'self';
      const hash = textToBytes(published[id]?.hash ?? '') ?? new Uint8Array(0);
      expect([id, hash.length, schemaOf(id)]).toEqual([id, 32, leaves ? bytesToText(hash.subarray(0, 8)) : '']);
    }
    expect(schemaOf('nobody.knows@1.0')).toBe('');
  });
});

describe('a change of a schema', () => {
  const one = { hash: 'a' } as unknown as DescribedCapability;
  const other = { hash: 'b' } as unknown as DescribedCapability;

  it('is a break under the same version, and none under a later one', () => {
    const old = { 'chat.send@1.3': one };
    expect(compareBooks(old, { 'chat.send@1.3': other }).broken).toEqual([
      'chat.send@1.3 has another schema and still the same version',
    ]);
    for (const later of ['chat.send@1.4', 'chat.send@2.0', 'chat.send@1.10'])
      expect(compareBooks(old, { [later]: other })).toEqual({ broken: [], isStale: true });
  });

  it('is a break too when a capability goes, or comes back as an earlier version', () => {
    for (const made of [{}, { 'chat.send@1.2': one }, { 'chat.sends@1.4': one }])
      expect(compareBooks({ 'chat.send@1.3': one }, made).broken).toEqual([
        'chat.send@1.3 is gone, and no later version of it is there',
      ]);
  });

  it('is not seen in the order of members', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'ü' }], a: true })).toBe('{"a":true,"b":[1,{"c":"ü","d":null}]}');
    expect(compareBooks({ 'chat.send@1.3': one }, { 'chat.send@1.3': { ...one } })).toEqual({
      broken: [],
      isStale: false,
    });
  });
});

describe('what a schema cannot say', () => {
  it('is said by a keyword of our own', () => {
    expect(renderSchema(object({ key: pipe(instance(Uint8Array), maxLength(32)) }))).toMatchObject({
      properties: {
        key: { type: 'string', contentEncoding: 'base64url', 'x-cbor': 'bytes', 'x-maxBytes': 32, maxLength: 43 },
      },
    });
    expect(renderSchema(instance(Blob))).toEqual({ not: {}, 'x-local': 'Blob' });
    expect(renderSchema(pipe(string(), trim(), minLength(1)))).toEqual({
      type: 'string',
      'x-trim': true,
      minLength: 1,
    });
  });

  it('stops the generator where nobody has said how to read it', () => {
    expect(() => renderSchema(date())).toThrow(/date/);
    expect(() => renderSchema(instance(Map))).toThrow(/instance/);
    expect(() => renderSchema(pipe(string(), transform(Number)))).toThrow(/transform/);
    expect(() =>
      renderSchema(
        pipe(
          string(),
          check((text) => text !== 'x', 'not an x'),
        ),
      ),
    ).toThrow(/not an x/);
    expect(() => renderSchema(pipe(instance(Uint8Array), minLength(1)))).toThrow(/min_length/);
    expect(() => renderSchema(pipe(string(), regex(/^[\w-.]$/)))).toThrow(/Invalid regular expression/);
    expect(() => renderSchema(pipe(string(), regex(/^a$/i)))).toThrow(/flags/);
  });

  it('stops it too when a check no longer does what is said of it', () => {
    expect(() =>
      renderSchema(
        pipe(
          string(),
          check(() => true, 'not a command'),
        ),
      ),
    ).toThrow(/does not do/);
    expect(() =>
      renderSchema(
        pipe(
          string(),
          check(() => false, 'not a command'),
        ),
      ),
    ).toThrow(/does not do/);
  });
});

describe('the published schemas, read by somebody else', () => {
  const schemas = [...contractsByName.values()].flatMap((capability) =>
    (['input', 'output', 'item', 'inputItem'] as const).flatMap((part) => {
      const schema = capability[part];
      const text = published[capabilityId(capability)]?.[part];
      return schema && text ? [{ name: `${capability.name} ${part}`, schema, text }] : [];
    }),
  );

  it.each(schemas)('take and refuse what the contract does: $name', ({ schema, text }) => {
    let taken = 0;
    fc.assert(
      fc.property(valuesNear(text), (value) => {
        const isTaken = safeParse(schema, value).success;
        taken += isTaken ? 1 : 0;
        expect(fits(text, value)).toBe(isTaken);
      }),
      { numRuns: 200, seed: 41 },
    );
    const isOnlyForOwnScreens = JSON.stringify(text).includes('x-local');
    expect(taken > 0, 'something that was tried was taken').toBe(!isOnlyForOwnScreens);
  });
});
