import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { echo, offerOf } from '../unit/bus-fixture.ts';
import { settle } from '../unit/link-fixture.ts';
import { createRpcHouse, doneFrame, framesOf, itemFrame, say } from '../unit/rpc-fixture.ts';

describe('attacks on a device that calls', () => {
  const calling = () => {
    const capability = echo({ timeoutMs: 10_000 });
    const house = createRpcHouse('anna', [capability]);
    const link = house.linkTo('mallory');
    house.bus.registry.setRemote('mallory', [offerOf(capability)], house.clock.now());
    return { ...house, capability, link };
  };

  it('credit overrun: more items than were granted end the call', async () => {
    const { bus, link, capability } = calling();
    const stream = bus.stream(capability, { text: 'hello' });
    const first = stream.next();
    await settle();
    for (let at = 0; at <= limits.streamCreditItems; at++) say(link, itemFrame(1, { text: String(at) }));
    let step = await first;
    let items = 0;
    for (; !step.done; step = await stream.next()) items += 1;
    expect(items).toBeLessThanOrEqual(limits.streamCreditItems);
    expect(step.value).toMatchObject({ error: { code: 'bad_request', reason: 'credit-overrun' } });
    expect(framesOf(link).map(({ t }) => t)).toContain('cancel');
  });

  it('silence: a neighbour that never answers costs the time of the contract and no more', async () => {
    const { bus, link, clock, capability, rpc } = calling();
    const reply = bus.call(capability, { text: 'hello' });
    await settle();
    clock.advance(10_000);
    expect(await reply).toMatchObject({ error: { code: 'timeout' } });
    expect(framesOf(link).map(({ t }) => t)).toEqual(['call', 'cancel']);
    expect(rpc.inFlight()).toBe(0);
  });

  it('two answers, a late answer, and an answer of the wrong shape', async () => {
    const { bus, link, capability, refused } = calling();
    const reply = bus.call(capability, { text: 'hello' });
    await settle();
    say(link, doneFrame(1, { text: 'one' }));
    say(link, doneFrame(1, { text: 'two' }));
    expect(await reply).toMatchObject({ value: { output: { text: 'one' } } });
    expect(refused).toEqual(['rpc-unknown-id']);
    const odd = bus.call(capability, { text: 'hello' });
    await settle();
    say(link, doneFrame(2, { text: { html: '<b>' } }));
    expect(await odd).toMatchObject({ error: { code: 'schema_mismatch', reason: 'reply' } });
  });
});
