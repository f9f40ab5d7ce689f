import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { createFallbackCurves } from '../../src/lib/crypto/fallback.ts';
import { createFallbackSubtle } from '../../src/lib/crypto/fallback-subtle.ts';
import { agreementKey, createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { bytesToHex, concatBytes } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import { makeEdgeCases } from '../vectors/ed25519-edges.ts';
import signatures from '../vectors/ed25519-wycheproof.json' with { type: 'json' };
import agreements from '../vectors/x25519-wycheproof.json' with { type: 'json' };

const fromHex = (hex: string): Bytes => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const random: Random = { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) };
const pkcs8Head = fromHex('302e020100300506032b656e04220420');

/** What the platform gives, and the same with both curves computed by this app. */
const engines = (): readonly { readonly name: string; readonly subtle: SubtleCrypto }[] => {
  const { subtle } = globalThis.crypto;
  const fallback = createFallbackSubtle({ subtle, curves: createFallbackCurves(), random });
  return [
    { name: 'WebCrypto', subtle },
    { name: 'the fallback', subtle: fallback },
  ];
};

/** Runs where it is imported: under Node and in a real browser. All verdicts must be the published ones, and the same on both. */
export const runCurveVectors = (place: string): void => {
  describe.each(engines())(`published vectors on $name in ${place}`, ({ subtle }) => {
    const crypto = createWebCrypto(subtle);

    it('Ed25519: takes and refuses what Project Wycheproof says', async () => {
      const wrong: unknown[] = [];
      for (const [id, key, message, signature, valid, comment] of signatures.tests) {
        const verdict = await crypto.verify(fromHex(String(key)), fromHex(String(message)), fromHex(String(signature)));
        if (verdict !== (valid === 1)) wrong.push([id, comment]);
      }
      expect(wrong).toEqual([]);
      expect(signatures.tests).toHaveLength(145);
    });

    it('X25519: agrees on what Project Wycheproof says, and on nothing where that is zero (rule X1)', async () => {
      const wrong: unknown[] = [];
      for (const [id, secret, peer, shared, , comment] of agreements.tests) {
        const pkcs8 = concatBytes(pkcs8Head, fromHex(String(secret)));
        const key = await subtle.importKey('pkcs8', pkcs8, 'X25519', false, ['deriveBits']);
        const derived = await agreementKey(subtle, key, new Uint8Array(32)).derive(fromHex(String(peer)));
        const expected = /^0+$/.test(String(shared)) ? null : shared;
        if ((derived && bytesToHex(derived)) !== expected) wrong.push([id, comment]);
      }
      expect(wrong).toEqual([]);
      expect(agreements.tests).toHaveLength(87);
    });

    it('Ed25519: of all edge cases takes the honest one and no other (rule ED1)', async () => {
      const taken: string[] = [];
      for (const { name, key, message, signature } of edgeCases)
        if (await crypto.verify(key, message, signature)) taken.push(name);
      expect(taken).toEqual(['key prime order, R prime order, plain']);
    });
  });

  describe(`the edge cases in ${place}`, () => {
    it('are some: engines without rule ED1 take hundreds of them, and not the same ones', async () => {
      const lenient = edgeCases.filter(({ key, message, signature }) =>
        ed25519.verify(signature, message, key, { zip215: true }),
      ).length;
      let platform = 0;
      for (const { key, message, signature } of edgeCases) {
        try {
          const imported = await globalThis.crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
          if (await globalThis.crypto.subtle.verify('Ed25519', imported, signature, message)) platform += 1;
        } catch (error) {
          if (!(error instanceof DOMException)) throw error;
        }
      }
      expect(edgeCases.length).toBeGreaterThan(900);
      expect(lenient).toBeGreaterThan(platform);
      expect(lenient).toBeGreaterThan(500);
    });
  });
};

const edgeCases = makeEdgeCases();
