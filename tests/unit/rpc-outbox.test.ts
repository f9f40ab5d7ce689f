import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createRpcOutbox } from '../../src/lib/mesh/rpc-outbox.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { createFakeLink, settle } from './link-fixture.ts';

const frame = (mark: number, length = 1) => new Uint8Array(length).fill(mark);
const long = limits.chunkBytes + 1;

const enter = () => {
  const clock = createVirtualClock();
  const link = createFakeLink('bora');
  const sent = () => link.sent.splice(0).map(({ frame: each }) => each[0]);
  return { clock, link, sent, outbox: createRpcOutbox(clock, link) };
};

describe('what waits for its turn on a link', () => {
  it('goes at once when it is short and nothing waits', () => {
    const { outbox, sent } = enter();
    void outbox.send(frame(1));
    void outbox.send(frame(2));
    outbox.urge(frame(3));
    expect(outbox.offer(frame(4))).toBe(true);
    expect(sent()).toEqual([1, 2, 3, 4]);
  });

  it('keeps its order behind a long frame, which waits until the link has drained', async () => {
    const { outbox, link, sent } = enter();
    const drain = link.fill();
    const all = [frame(1, long), frame(2), frame(3, long)].map((each) => outbox.send(each));
    await settle();
    expect([sent(), outbox.offer(frame(9))]).toEqual([[], false]);
    outbox.urge(frame(8));
    expect(sent()).toEqual([8]);
    drain();
    expect(await Promise.all(all)).toEqual([true, true, true]);
    expect(sent()).toEqual([1, 2, 3]);
  });

  it('is tried again while the link does not take it, unless it is wanted now or never', async () => {
    const { outbox, link, clock, sent } = enter();
    const unblock = link.block();
    const reply = outbox.send(frame(1));
    outbox.urge(frame(2));
    const call = outbox.send(frame(3), { isOnce: true });
    await settle();
    unblock();
    clock.advance(limits.rpcSendAgainMs);
    expect([await reply, await call]).toEqual([true, true]);
    // What is urgent had to wait as well, and went first.
    expect(sent()).toEqual([2, 1, 3]);
    link.block();
    expect(await outbox.send(frame(4), { isOnce: true })).toBe(false);
  });

  it('is withdrawn by its signal, and never goes', async () => {
    const { outbox, link, sent } = enter();
    const drain = link.fill();
    const control = new AbortController();
    const first = outbox.send(frame(1, long), { signal: control.signal });
    const second = outbox.send(frame(2, long));
    control.abort();
    expect(await first).toBe(false);
    drain();
    expect([await second, sent()]).toEqual([true, [2]]);
    expect(await outbox.send(frame(3), { signal: control.signal })).toBe(false);
  });

  it('never goes when the link has gone or the calls have ended', async () => {
    const { outbox, link, clock, sent } = enter();
    link.block();
    const waiting = outbox.send(frame(1));
    await settle();
    outbox.close();
    expect([await waiting, await outbox.send(frame(2)), outbox.offer(frame(3))]).toEqual([false, false, false]);
    outbox.urge(frame(4));
    clock.advance(1_000);
    expect(sent()).toEqual([]);
    const other = enter();
    const drain = other.link.fill();
    const late = other.outbox.send(frame(1, long));
    other.link.close('gone');
    drain();
    expect(await late).toBe(false);
  });
});
