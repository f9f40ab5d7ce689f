import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { echo } from '../unit/bus-fixture.ts';
import { settle } from '../unit/link-fixture.ts';
import { callFrame, createRpcHouse, framesOf, said, say } from '../unit/rpc-fixture.ts';

describe('a flood of calls', () => {
  it('200 messages a second for a minute, 16 in flight: all are refused or answered, and bora is served meanwhile', async () => {
    const capability = echo({ timeoutMs: 0, maxConcurrent: 64 });
    const house = createRpcHouse('anna', [capability], { mallory: 'member', bora: 'member' });
    let mostAtOnce = 0;
    const release: (() => void)[] = [];
    house.bus.register(capability, async (input) => {
      mostAtOnce = Math.max(mostAtOnce, house.bus.inFlight());
      if (input.text === 'wait') await new Promise<void>((resolve) => release.push(resolve));
      return ok(input);
    });
    const [link, toBora] = [house.linkTo('mallory'), house.linkTo('bora')];
    const answers = new Map<string, number>();
    for (let second = 0, id = 0; second < 60; second++) {
      for (let at = 0; at < 200; at++) say(link, callFrame((id += 1), { input: { text: 'wait' } }));
      say(toBora, callFrame(second));
      await settle(2);
      for (const frame of framesOf(link)) {
        const key = String(said(frame).at(-1));
        answers.set(key, (answers.get(key) ?? 0) + 1);
      }
      house.clock.advance(1_000);
    }
    await settle();
    expect(framesOf(toBora).map(({ t }) => t)).toEqual(Array.from({ length: 60 }, () => 'done'));
    expect([link.closedWith(), mostAtOnce]).toEqual([null, limits.callsInFlightPerPeerMax + 1]);
    expect(answers).toEqual(new Map([['calls-in-flight', 60 * 200 - limits.callsInFlightPerPeerMax]]));
    release.forEach((go) => go());
    await settle();
    expect(framesOf(link)).toHaveLength(limits.callsInFlightPerPeerMax);
  });
});
