import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha256Now } from '../../src/lib/crypto/sha256.ts';
import { seededRandom } from '../support/test-neighbours.ts';

it('hashes as the platform does, at every length around a block', () => {
  const random = seededRandom('sha256');
  for (let length = 0; length <= 260; length++) {
    const bytes = random.bytes(length);
    expect(sha256Now(bytes)).toEqual(new Uint8Array(createHash('sha256').update(bytes).digest()));
  }
  const large = random.bytes(70_001).subarray(1);
  expect(sha256Now(large)).toEqual(new Uint8Array(createHash('sha256').update(large).digest()));
});
