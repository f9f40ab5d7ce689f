import type { VectorGroup, Vector } from './golden-files.ts';
import { $hex, readJson, readVectors, refusal } from './golden-files.ts';
import { cryptoVectors } from './golden-crypto.ts';
import { agreementVectors, signatureVectors } from './golden-keys.ts';
import { eventVectors, forkVectors, replicaVectors } from './golden-log.ts';
import { tokenVectors } from './golden-tokens.ts';
import { canonicalJson, schemasPath, type SchemaBook } from './schema-files.ts';

/** Everything in tests/vectors as questions, file by file, and the published schemas. */
export const readGolden = (): VectorGroup[] => [
  { group: 'codec', vectors: codecVectors() },
  { group: 'keys', vectors: [...signatureVectors(), ...agreementVectors()] },
  { group: 'crypto', vectors: cryptoVectors() },
  { group: 'events', vectors: eventVectors() },
  { group: 'forks', vectors: forkVectors() },
  { group: 'replica', vectors: replicaVectors() },
  { group: 'tokens', vectors: tokenVectors() },
  ...readVectors<{ groups: VectorGroup[] }>('bus.json').groups,
  { group: 'schemas', vectors: schemaVectors() },
];

const codecVectors = (): Vector[] => {
  const { values, refused } = readVectors<{
    values: { value: unknown; hex: string }[];
    refused: { hex: string; reason: string }[];
  }>('codec.json');
  return [
    ...values.flatMap(({ value, hex }): Vector[] => {
      const json = canonicalJson(value);
      return [
        {
          name: `${json} is read`,
          request: { op: 'decode', type: 'cbor', bytes: $hex(hex) },
          expect: { ok: { json } },
        },
        {
          name: `${json} is written`,
          request: { op: 'encode', type: 'cbor', json },
          expect: { ok: { bytes: $hex(hex) } },
        },
      ];
    }),
    ...refused.map(({ hex, reason }): Vector => ({
      name: `${hex.slice(0, 40)} is ${reason}`,
      request: { op: 'decode', type: 'cbor', bytes: $hex(hex) },
      expect: refusal(reason),
    })),
  ];
};

const schemaVectors = (): Vector[] => {
  const { capabilities } = readJson(schemasPath) as { capabilities: SchemaBook };
  return Object.entries(capabilities).map(([id, { hash }]): Vector => ({
    name: `${id} means the same`,
    request: { op: 'schemas', capability: id },
    expect: { ok: { hash: $hex(Buffer.from(hash, 'base64url').toString('hex')) } },
  }));
};
