import { instance, number, object, string } from 'valibot';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { define, noDeadline } from '../../src/lib/contracts/define.ts';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import type { Failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryBlobFiles } from '../../src/lib/stores/memory-blobs.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';
import { asAny } from './bus-fixture.ts';
import { untilTrue } from './link-fixture.ts';

/** Counts the words that stream in, and says so on the way; another takes one large thing. Known to every node of this file. */
const tally = define({
  name: 'test.tally',
  input: object({ from: number() }),
  output: object({ count: number() }),
  item: object({ count: number() }),
  inputItem: object({ word: string() }),
  policy: 'member',
  routable: true,
  idempotent: false,
  timeoutMs: noDeadline,
});
const weigh = define({
  name: 'test.weigh',
  input: object({ bytes: instance(Uint8Array) }),
  output: object({ size: number(), last: number() }),
  policy: 'member',
  routable: true,
  idempotent: false,
});
const copy = define({
  name: 'test.copy',
  input: object({ size: number() }),
  output: object({ bytes: instance(Uint8Array) }),
  policy: 'member',
  routable: true,
});
const known = contractsByName as Map<string, AnyCapability>;
beforeAll(() => [tally, weigh, copy].forEach((each) => known.set(each.name, asAny(each))));
afterAll(() => [tally, weigh, copy].forEach(({ name }) => known.delete(name)));

const until = async <I, O, S>(
  bus: Bus,
  view: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
): Promise<S> => {
  for await (const snapshot of bus.stream(view, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};
const offers = (bus: Bus, name: string): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      const devices = bus.registry.providersOf(name, { major: 1, minor: 0 }, realClock.now());
      if (devices.some(({ isLocal }) => !isLocal)) resolve();
    };
    bus.registry.onChange(look);
    look();
  });

const openStreet = async () => {
  const network = createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
  const files = [createMemoryBlobFiles(), createMemoryBlobFiles()] as const;
  const anna = await createTestNode({ name: 'anna', network, blobs: { files: files[0] } });
  const bora = await createTestNode({ name: 'bora', network, blobs: { files: files[1] } });
  await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
  const invite = await anna.bus.call(communityInvite, { onPaper: false });
  if (!invite.ok) throw new Error(invite.error.reason);
  await bora.bus.call(communityJoin, { invite: invite.value.output.code, name: 'Bora' });
  const door = await until(anna.bus, communityMembers, {}, ({ waiting }) => waiting.length === 1);
  await anna.bus.call(communityAdmit, { request: door.waiting[0]?.request ?? '', accept: true });
  await until(bora.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
  return { network, anna, bora, files };
};

describe('calls between two nodes', () => {
  let street: Awaited<ReturnType<typeof openStreet>>;
  const nodes = (): readonly HearthNode[] => [street.anna, street.bora];
  const closers: (() => void)[] = [];
  beforeEach(async () => {
    street = await openStreet();
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    for (const node of nodes()) await node.stop();
  });
  /** Bora offers it, and anna has heard so. */
  const give = async (...[capability, handler]: Parameters<Bus['register']>): Promise<void> => {
    closers.push(street.bora.bus.register(capability, handler));
    await offers(street.anna.bus, capability.name);
  };
  const nothingOnDisks = (): void => {
    for (const { chunks, manifests, records } of street.files)
      expect([chunks.size, manifests.size, records.size]).toEqual([0, 0, 0]);
  };
  const big = (size: number) => ({ bytes: new Uint8Array(size).fill(7) });

  it('stream both ways, each side held to what the other has read', async () => {
    let read = 0;
    await give(asAny(tally), async function* (_input, { items }) {
      for await (const _ of items) yield { count: (read += 1) };
      return ok({ count: read });
    });
    let made = 0;
    const words = async function* () {
      while (made < 500) yield { word: `${(made += 1)}` };
    };
    const stream = street.anna.bus.stream(tally, { from: 0 }, { items: words() });
    const first = await stream.next();
    expect(first.value).toEqual({ count: 1 });
    await until(street.anna.bus, nodeInfoCapability, {}, () => true);
    expect(made).toBeLessThanOrEqual(limits.streamCreditItems * 4);
    let count = 1;
    let step = await stream.next();
    for (; !step.done; step = await stream.next()) count += 1;
    expect([count, step.value]).toMatchObject([500, { ok: true, value: { output: { count: 500 } } }]);
    expect(street.bora.refusals().size + street.anna.refusals().size).toBe(0);
  });

  it('stop at the far side when they are cancelled, and when their deadline is over', async () => {
    const ends: unknown[] = [];
    let begun = (): void => {};
    let stopped = (): void => {};
    await give(asAny(tally), (_input, { signal }) => {
      begun();
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          ends.push((signal.reason as Failure).code);
          stopped();
          resolve(ok({ count: 0 }));
        }),
      );
    });
    const control = new AbortController();
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const hasStopped = new Promise<void>((resolve) => (stopped = resolve));
    const reply = street.anna.bus.call(tally, { from: 0 }, { signal: control.signal });
    await hasBegun;
    control.abort();
    expect(await reply).toMatchObject({ error: { code: 'cancelled' } });
    await hasStopped;
    const stoppedAgain = new Promise<void>((resolve) => (stopped = resolve));
    expect(await street.anna.bus.call(tally, { from: 0 }, { deadlineMs: 50 })).toMatchObject({ ok: false });
    await stoppedAgain;
    expect(ends[0]).toBe('cancelled');
    expect(['timeout', 'cancelled']).toContain(ends[1]);
  });

  it('carry their time with them: the far handler is stopped by it although no word of anna comes through any more', async () => {
    let stopped = (_reason: Failure): void => {};
    const hasStopped = new Promise<Failure>((resolve) => (stopped = resolve));
    await give(asAny(tally), (_input, { signal }) => {
      street.network.block('anna', 'bora');
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          stopped(signal.reason as Failure);
          resolve(ok({ count: 0 }));
        }),
      );
    });
    const reply = street.anna.bus.call(tally, { from: 0 }, { deadlineMs: 300, trace: 'one walk' });
    expect(await hasStopped).toMatchObject({ code: 'timeout' });
    expect(await reply).toMatchObject({ ok: false, error: { code: 'unknown_outcome' } });
    const served = () => street.bora.bus.traces.list(20).find(({ capability }) => capability === 'test.tally@1.0');
    await untilTrue('the call is on record', () => served() !== undefined);
    expect(served()).toMatchObject({ trace: 'one walk', outcome: 'timeout' });
  });

  it('end at once when the link is cut in the middle, on both sides', async () => {
    let begun = (): void => {};
    let stopped = (): void => {};
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const hasStopped = new Promise<void>((resolve) => (stopped = resolve));
    await give(asAny(tally), (_input, { signal }) => {
      begun();
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          stopped();
          resolve(ok({ count: 0 }));
        }),
      );
    });
    const reply = street.anna.bus.call(tally, { from: 0 });
    await hasBegun;
    street.network.cut('anna', 'bora');
    expect(await reply).toMatchObject({ error: { code: 'unknown_outcome', reason: 'link-lost' } });
    await hasStopped;
    expect(street.bora.bus.inFlight()).toBe(0);
  });

  it('bring a large input beside them, and leave nothing of it on any disk', async () => {
    await give(asAny(weigh), async (input) => {
      const { bytes } = input as { bytes: Uint8Array };
      return ok({ size: bytes.length, last: bytes.at(-1) ?? 0 });
    });
    for (const size of [limits.inlineInputBytesMax + 1, 1_500_000]) {
      const reply = await street.anna.bus.call(weigh, big(size));
      expect(reply).toMatchObject({ value: { output: { size, last: 7 }, meta: { route: 'neighbour' } } });
    }
    nothingOnDisks();
    expect(await street.anna.bus.call(weigh, big(limits.callInputBytesMax))).toMatchObject({
      error: { code: 'too_large', reason: 'input' },
    });
    expect(street.bora.refusals().size + street.anna.refusals().size).toBe(0);
  });

  it('that all bring much at once share the link and do not break it', async () => {
    await give(asAny(copy), async (input) => ok({ bytes: new Uint8Array((input as { size: number }).size) }));
    const size = limits.replyBytesMax - 100;
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => street.anna.bus.call(copy, { size }, { localOnly: false })),
    );
    expect(replies.map((reply) => (reply.ok ? reply.value.output.bytes.length : reply.error))).toEqual(
      Array.from({ length: 8 }, () => size),
    );
    expect(street.anna.links.all()).toHaveLength(1);
  });

  it('whose link is cut while the input is on its way never reach the handler', async () => {
    let handled = 0;
    await give(asAny(weigh), async () => {
      handled += 1;
      return ok({ size: 0, last: 0 });
    });
    // What anna gives of her blobs no longer reaches bora; the call itself does.
    for (const link of street.bora.links.all()) link.onFrame('bulk', () => street.network.cut('anna', 'bora'));
    const reply = await street.anna.bus.call(weigh, big(1_500_000));
    expect(reply).toMatchObject({ error: { code: 'unknown_outcome', reason: 'link-lost' } });
    expect(handled).toBe(0);
    nothingOnDisks();
  });
});
