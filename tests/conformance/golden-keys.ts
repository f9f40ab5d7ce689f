import { makeEdgeCases } from '../vectors/ed25519-edges.ts';
import { $hex, readVectors, refusal, type Vector } from './golden-files.ts';

type Row = readonly (string | number)[];
/** What engines disagree on: published vectors and the edges of rule ED1. */
export const signatureVectors = (): Vector[] => {
  const published = readVectors<{ tests: Row[] }>('ed25519-wycheproof.json').tests.map(
    ([id, key, message, signature, valid]): Vector =>
      signatureVector(`Wycheproof Ed25519 ${id}`, [key, message, signature].map(String), valid === 1),
  );
  const edges = makeEdgeCases().map(({ name, key, message, signature, isHonest }, at) =>
    signatureVector(
      `rule ED1, ${at + 1}: ${name}`,
      [key, message, signature].map((each) => Buffer.from(each).toString('hex')),
      isHonest,
    ),
  );
  return [...published, ...edges];
};

const signatureVector = (
  name: string,
  [key = '', message = '', signature = '']: string[],
  isTaken: boolean,
): Vector => ({
  name,
  request: { op: 'verify', type: 'signature', key: $hex(key), message: $hex(message), signature: $hex(signature) },
  expect: isTaken ? { ok: { holds: true } } : refusal('signature'),
});

export const agreementVectors = (): Vector[] =>
  readVectors<{ tests: Row[] }>('x25519-wycheproof.json').tests.map(([id, secret, peer, shared]): Vector => ({
    name: `Wycheproof X25519 ${id}`,
    request: { op: 'verify', type: 'agreement', secret: $hex(String(secret)), peer: $hex(String(peer)) },
    expect: /^0+$/.test(String(shared)) ? refusal('agreement') : { ok: { shared: $hex(String(shared)) } },
  }));
