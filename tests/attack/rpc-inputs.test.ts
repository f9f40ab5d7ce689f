import { describe, expect, it } from 'vitest';
import { createAsking, type Asking } from '../../src/lib/blobs/asking.ts';
import { encodeBulk, parseBulk, type BulkFrame } from '../../src/lib/blobs/bulk-frames.ts';
import { createCallInputs } from '../../src/lib/blobs/call-inputs.ts';
import { createLentBlobs } from '../../src/lib/blobs/lent-blobs.ts';
import { createServing } from '../../src/lib/blobs/serving.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { areBytesEqual } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { LargeInput } from '../../src/lib/kernel/ports/call-inputs.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { openMemoryBlobs } from '../support/memory-blobs.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { createFakeLink, settle, type FakeLink } from '../unit/link-fixture.ts';

const random = seededRandom('inputs');
const crypto = createNodeCrypto(random);

/** One side: what it lends, what it fetches, over links the test holds the other ends of. */
const createSide = () => {
  const clock = createVirtualClock();
  const lent = createLentBlobs();
  const refused: string[] = [];
  const onRefused = (reason: string): void => void refused.push(reason);
  const askings = new Map<string, Asking>();
  const inputs = createCallInputs({ crypto, clock, random, lent, askingOf: (device) => askings.get(device) ?? null });
  return {
    inputs,
    clock,
    lent,
    refused,
    /** What this side gives of its blobs to that device. */
    serve: async (device: string): Promise<FakeLink> => {
      const link = createFakeLink(device);
      const blobs = await openMemoryBlobs({ crypto, clock, random });
      const serving = createServing({ clock, link, blobs, mayServe: () => true, onRefused, lent });
      link.onFrame('bulk', (bytes) => {
        const frame = unwrap(parseBulk(bytes));
        if (frame.t === 'ask') serving.ask(frame);
      });
      return link;
    },
    /** The link this side asks that device over. */
    askFrom: (device: string): FakeLink => {
      const link = createFakeLink(device);
      const asking = createAsking({ clock, link, onRefused });
      askings.set(device, asking);
      link.onFrame('bulk', (bytes) => {
        const frame = unwrap(parseBulk(bytes));
        if (frame.t === 'chunk') asking.took(frame.cid, frame.at, frame.bytes);
        if (frame.t === 'refuse') asking.refused(frame.cid, frame.at, frame.reason);
      });
      return link;
    },
  };
};
const say = (link: FakeLink, frame: BulkFrame): void => link.hear('bulk', encodeBulk(frame));
const saidOn = (link: FakeLink): BulkFrame[] => link.sent.splice(0).map(({ frame }) => unwrap(parseBulk(frame)));
const bytesOf = (size: number): Bytes => new Uint8Array(size).fill(7);
const never = new AbortController().signal;

/** Anna lends, bora fetches, and `change` is what somebody makes of each frame that goes to bora. */
const between = async (size: number, change: (frame: BulkFrame) => BulkFrame | null = (frame) => frame) => {
  const [anna, bora] = [createSide(), createSide()];
  const [toBora, toAnna] = [await anna.serve('bora'), bora.askFrom('anna')];
  const { input, release } = unwrap(await anna.inputs.lend('bora', bytesOf(size)));
  const carry = async (turns = 12): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) {
      await settle();
      for (const frame of saidOn(toAnna)) say(toBora, frame);
      await settle();
      for (const frame of saidOn(toBora)) {
        const changed = change(frame);
        if (changed) say(toAnna, changed);
      }
    }
  };
  return { anna, bora, input, release, carry, toBora, toAnna };
};
const fetched = async (
  size: number,
  change?: (frame: BulkFrame) => BulkFrame | null,
  over: Partial<LargeInput> = {},
) => {
  const { bora, input, carry } = await between(size, change);
  const result = bora.inputs.fetch('anna', { ...input, ...over }, never);
  await carry();
  return result;
};
const flip = (bytes: Bytes): Bytes => bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));

describe('a large input', () => {
  it('comes whole, and only to the device it is lent to', async () => {
    expect(areBytesEqual(unwrap(await fetched(700_000)), bytesOf(700_000))).toBe(true);
    const { anna, input } = await between(300_000);
    const toMallory = await anna.serve('mallory');
    for (const at of [null, 0]) say(toMallory, { t: 'ask', cid: input.cid, at });
    await settle();
    expect(saidOn(toMallory)).toMatchObject([{ reason: 'not-here' }, { reason: 'not-here' }]);
  });

  it('is gone when its call is over, for the called device too', async () => {
    const { bora, anna, input, release, carry } = await between(300_000);
    release();
    release();
    const result = bora.inputs.fetch('anna', input, never);
    await carry();
    expect(await result).toEqual({ ok: false, error: failure('bad_request', 'input-not-here') });
    expect(anna.lent.size()).toBe(0);
  });

  it('of a liar is refused, whatever the lie: another manifest, size, key or chunk', async () => {
    const lies: [string, (frame: BulkFrame) => BulkFrame, Partial<LargeInput>][] = [
      [
        'manifest',
        (frame) => (frame.t === 'chunk' && frame.at === null ? { ...frame, bytes: flip(frame.bytes) } : frame),
        {},
      ],
      [
        'chunk',
        (frame) => (frame.t === 'chunk' && frame.at === 1 ? { ...frame, bytes: flip(frame.bytes) } : frame),
        {},
      ],
      [
        'chunk',
        (frame) => (frame.t === 'chunk' && frame.at === 0 ? { ...frame, bytes: frame.bytes.slice(1) } : frame),
        {},
      ],
      ['size', (frame) => frame, { size: 699_999 }],
      ['key', (frame) => frame, { key: new Uint8Array(32) }],
    ];
    for (const [what, change, over] of lies)
      expect([what, await fetched(700_000, change, over)]).toEqual([
        what,
        { ok: false, error: failure('bad_request', `input-${what}`) },
      ]);
  });

  it('larger than any may be is not even asked for, nor a third one of the same neighbour', async () => {
    const bora = createSide();
    const link = bora.askFrom('mallory');
    const input = { cid: 'A'.repeat(43), key: new Uint8Array(32), size: limits.callInputBytesMax };
    expect(await bora.inputs.fetch('mallory', { ...input, size: input.size + 1 }, never)).toEqual({
      ok: false,
      error: failure('too_large', 'input'),
    });
    const control = new AbortController();
    const open = [1, 2].map((at) =>
      bora.inputs.fetch('mallory', { ...input, cid: `${at}${input.cid.slice(1)}` }, control.signal),
    );
    expect(await bora.inputs.fetch('mallory', input, never)).toMatchObject({
      error: { code: 'capacity_exceeded', reason: 'call-inputs' },
    });
    expect(saidOn(link).filter(({ t }) => t === 'ask')).toHaveLength(2);
    control.abort(failure('cancelled', 'link-lost'));
    expect(await Promise.all(open)).toMatchObject([{ error: { code: 'cancelled' } }, { error: { code: 'cancelled' } }]);
    void bora.inputs.fetch('mallory', input, control.signal);
    expect(saidOn(link).map(({ t }) => t)).toEqual(['cancel', 'cancel']);
  });

  it('is fetched from so many at once as memory allows, and no more', async () => {
    const bora = createSide();
    const size = limits.callInputBytesMax;
    const most = limits.callInputsBytesMax / size;
    const ask = (at: number) => {
      bora.askFrom(`device ${at}`);
      return bora.inputs.fetch(`device ${at}`, { cid: 'A'.repeat(43), key: new Uint8Array(32), size }, never);
    };
    for (let at = 0; at < most; at++) void ask(at);
    expect(await ask(most)).toMatchObject({ error: { code: 'capacity_exceeded' } });
  });

  it('of somebody silent is given up, and of somebody busy asked for again', async () => {
    const { bora, input } = await between(300_000);
    const result = bora.inputs.fetch('anna', input, never);
    await settle();
    bora.clock.advance(limits.blobSilenceMs);
    expect(await result).toEqual({ ok: false, error: failure('unavailable', 'input-silent') });
    let isBusy = true;
    const busy = await between(300_000, (frame) =>
      frame.t === 'chunk' && isBusy ? { t: 'refuse', cid: frame.cid, at: frame.at, reason: 'busy' } : frame,
    );
    const again = busy.bora.inputs.fetch('anna', busy.input, never);
    await busy.carry(2);
    isBusy = false;
    busy.bora.clock.advance(1_000);
    await busy.carry();
    expect(await again).toMatchObject({ ok: true });
  });

  it('is lent up to a bound, and what is given back makes room', async () => {
    const { inputs, lent } = createSide();
    const most = limits.callInputsBytesMax / limits.callInputBytesMax;
    expect(await inputs.lend('bora', bytesOf(limits.callInputBytesMax + 1))).toMatchObject({
      error: { code: 'too_large' },
    });
    const loans = [];
    for (let at = 0; at < most; at++) loans.push(unwrap(await inputs.lend('bora', bytesOf(limits.callInputBytesMax))));
    expect(await inputs.lend('bora', bytesOf(1))).toMatchObject({ error: { code: 'quota_full' } });
    loans[0]?.release();
    expect(await inputs.lend('bora', bytesOf(1))).toMatchObject({ ok: true });
    expect(lent.size()).toBe(most);
  });
});
