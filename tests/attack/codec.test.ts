import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { encodeInvite, parseInvite } from '../../src/lib/crypto/invite.ts';
import { decodeCbor, encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { areBytesEqual, concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { encodeRpc, parseRpc } from '../../src/lib/mesh/rpc-frames.ts';
import { openSettings } from '../../src/lib/node/settings.ts';
import { encodeRuns } from '../../src/lib/replica/canonical.ts';
import { encodeFrame, parseFrame } from '../../src/lib/replica/frames.ts';
import { guardUpdate } from '../../src/lib/replica/guard.ts';
import { createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';
import { hostileUpdates } from '../unit/guard-fixture.ts';
import { callFrame } from '../unit/rpc-fixture.ts';
import { vectorUrl, type VectorFile } from '../vectors/make.ts';
import { fuzz, harmless, mutate } from './fuzz-fixture.ts';

const read = (file: VectorFile) => JSON.parse(readFileSync(vectorUrl(file), 'utf8'));
const fromHex = (hex: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(hex, 'hex'));
const replica = read('replica.json') as { update: string; frames: Record<string, string> };

describe('the decoders that read bytes from outside, under a seeded fuzzer', () => {
  it('CBOR: 40,000 inputs, nothing taken that it would write in another way', async () => {
    const values: Cbor[] = [
      [1, [2, { a: 'text', b: new Uint8Array(9) }]],
      { key: [null, true, -5], z: 2 ** 40 },
      'Straße',
      [[[[[[0]]]]]],
      Number.MAX_SAFE_INTEGER,
    ];
    const tally = await fuzz(1, 40_000, values.map(encodeCbor), (bytes) => {
      const decoded = decodeCbor(bytes);
      return decoded.ok ? areBytesEqual(encodeCbor(decoded.value), bytes) : null;
    });
    expect(tally).toMatchObject(harmless(40_000));
    expect(tally.taken).toBeGreaterThan(1_000);
  });

  it('sync frames: 20,000 inputs, nothing taken that it would write in another way', async () => {
    const tally = await fuzz(2, 20_000, Object.values(replica.frames).map(fromHex), (bytes) => {
      const frame = parseFrame(bytes);
      return frame.ok ? areBytesEqual(encodeFrame(frame.value), bytes) : null;
    });
    expect(tally).toMatchObject(harmless(20_000));
    expect(tally.taken).toBeGreaterThan(100);
  });

  it('updates: 15,000 inputs, nothing taken but canonical structs', async () => {
    const base = fromHex(replica.update);
    const tally = await fuzz(
      3,
      15_000,
      [
        base,
        ...Object.values(
          hostileUpdates(
            22,
            'l/mallory',
            'l/anna',
            encodeRuns([{ author: 'anna', client: 11, start: 0, envelopes: [base] }]),
          ),
        ),
      ],
      (bytes) => {
        const guarded = guardUpdate(bytes);
        if (!guarded.ok) return null;
        return guarded.value.every(
          ({ clock, root, envelope }) => (clock === 0) === (root !== null) && envelope instanceof Uint8Array,
        );
      },
    );
    expect(tally).toMatchObject(harmless(15_000));
  });

  it('rpc frames: 15,000 inputs, whatever is taken is one frame with one meaning', async () => {
    const frames = [callFrame(1), encodeRpcSeed()];
    const tally = await fuzz(
      4,
      15_000,
      frames.map((frame) => (frame instanceof Uint8Array ? frame : encodeRpc(frame))),
      (bytes) => {
        const frame = parseRpc(bytes);
        return frame.ok ? isDeepStrictEqual(parseRpc(encodeRpc(frame.value)), frame) : null;
      },
    );
    expect(tally).toMatchObject(harmless(15_000));
  });

  it('invites: 10,000 texts, nothing taken that it would write in another way', async () => {
    const seed = utf8((read('crypto.json') as { invite: { code: string } }).invite.code);
    const tally = await fuzz(5, 10_000, [seed], (bytes) => {
      const text = new TextDecoder('latin1').decode(bytes);
      const invite = parseInvite(text, 0);
      return invite.ok ? text.trim().split('#join=').at(-1) === encodeInvite(invite.value) : null;
    });
    expect(tally).toMatchObject(harmless(10_000));
    expect(tally.taken).toBeGreaterThan(100);
  });

  it('settings: 1,000 things that are no settings in the store, and the node still opens', async () => {
    const random = createSeededRandom(6);
    const store = createMemoryStore();
    let threw = 0;
    for (let at = 0; at < 1_000; at++) {
      const decoded = decodeCbor(
        mutate(random, [encodeCbor({ name: 'anna', signalUrl: '', invites: [], community: { id: 'x' } })]),
      );
      await store.commit(
        { kv: [{ key: 'settings', value: decoded.ok ? decoded.value : at % 2 === 0 ? at : 'nonsense' }] },
        'strict',
      );
      const opened = await openSettings(store).catch(() => null);
      if (opened === null || typeof opened.current().signalUrl !== 'string' || !Array.isArray(opened.current().invites))
        threw += 1;
    }
    expect(threw).toBe(0);
  });
});

/** A frame with more fields than it needs, as a later build may send. */
function encodeRpcSeed(): Uint8Array {
  return encodeCbor({
    t: 'error',
    id: 5,
    code: 'rate_limited',
    reason: 'later',
    retryAfterMs: 9,
    trace: concatBytes(utf8('x')),
  });
}
