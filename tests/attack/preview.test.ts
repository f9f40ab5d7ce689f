import { describe, expect, it } from 'vitest';
import { hlcEpochMs, hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { monthLane } from '../../src/lib/log/event.ts';
import { asIncoming, messagePayload, writeWords, type Written } from '../unit/preview-fixture.ts';
import { forgeEvent, idsOf, makePerson, makeStreet, say, todayMs, type Person } from '../unit/street-fixture.ts';

/** Anna's house; bora and mallory are let in, and nobody has said anything. */
const annasHouse = async () => {
  const street = await makeStreet('anna', 'bora', 'mallory');
  const [anna, bora, mallory] = street.people as [Person, Person, Person];
  const at = await street.move(anna);
  const before = idsOf(at.log);
  const give = async (events: readonly Written[]): Promise<void> => {
    unwrap(
      await at.log.receive(
        events.map(({ envelope }) => ({ envelope, payload: null })),
        'mallory',
      ),
    );
    unwrap(
      await at.log.receivePayloads(
        events.map(({ id, payload }) => ({ id, payload })),
        'mallory',
      ),
    );
  };
  const shown = () => at.here.newest(20_000).map(({ text }) => text);
  return { ...at, street, anna, bora, mallory, before, give, shown };
};

describe('attacks on what is shown before it is stored', () => {
  it('preview of a stranger: what a device nobody admitted has signed waits and shows nothing', async () => {
    const { street, log, give, shown, before, mallory } = await annasHouse();
    const stranger = await makePerson('a stranger');
    const early = (await writeWords(street.community, [stranger], 20)).slice(10);
    await give(early);
    await give(early);
    unwrap(await log.receive(asIncoming(early), 'mallory'));
    expect([log.waitingCounts().parked, shown(), log.preview()]).toEqual([10, [], []]);
    expect(idsOf(log)).toEqual(before);
    await give((await writeWords(street.community, [mallory], 2)).slice(1));
    expect(shown()).toEqual(['word 1']);
  });

  it('forged preview: another signature, or other words under a good one, show nothing', async () => {
    const { street, log, give, shown, bora, mallory } = await annasHouse();
    const [, honest] = (await writeWords(street.community, [bora], 2)) as [Written, Written];
    const forged = await forgeEvent(
      mallory.keys.signing,
      { community: street.community, author: bora.keys.signing.publicKey, seq: 2, hlc: hlcFromMs(todayMs) + 2 },
      messagePayload('bora never said this'),
    );
    await give([forged]);
    await give([{ ...honest, payload: messagePayload('nor this') }]);
    expect([shown(), log.waitingCounts().orphans]).toEqual([[], 1]);
    expect(Object.fromEntries(log.refusals())).toMatchObject({ 'payload-hash': 1 });
    await give([honest]);
    expect(shown()).toEqual(['word 1']);
  });

  it('preview of somebody who has signed twice: once the proof is here it shows no more than the log does', async () => {
    const { street, log, give, shown, here, mallory } = await annasHouse();
    await give((await writeWords(street.community, [mallory], 9)).slice(5));
    expect(shown()).toHaveLength(4);
    const at = { community: street.community, seq: 2, hlc: hlcFromMs(todayMs) + 2 };
    const twins = [
      await forgeEvent(mallory.keys.signing, at, messagePayload('one')),
      await forgeEvent(mallory.keys.signing, at, messagePayload('other')),
    ];
    unwrap(await log.receive(asIncoming(twins), 'bora'));
    expect(log.forks()).toHaveLength(1);
    expect([shown(), here.room().messages]).toEqual([[], []]);
  });

  it('ten thousand early events of a member: bounded, and own words still go out', async () => {
    const { street, log, give, shown, before, mallory } = await annasHouse();
    const months = Math.ceil(10_000 / limits.orphansPerAuthorMax);
    for (let month = 0; month < months; month++) {
      const hlc = hlcFromMs(Date.UTC(2026, month, 15));
      const at = { hlc, lane: monthLane(month) };
      const words = await writeWords(street.community, [mallory], limits.orphansPerAuthorMax + 1, at);
      await give(words.slice(1));
    }
    expect(log.waitingCounts().orphans).toBe(limits.orphansPerAuthorMax);
    expect(log.preview()).toHaveLength(limits.orphansPerAuthorMax);
    expect(idsOf(log)).toEqual(before);
    unwrap(await say(log, 'still here'));
    expect(shown()).toContain('still here');
  }, 60_000);

  it('large words that wait take no more than their bound', async () => {
    const { street, log, give, mallory } = await annasHouse();
    const large = new Uint8Array(limits.payloadBytesMax);
    const most = Math.floor(limits.previewPayloadBytesMax / large.length);
    for (let seq = 1; seq <= most + 20; seq++)
      await give([
        await forgeEvent(
          mallory.keys.signing,
          { community: street.community, seq, hlc: hlcFromMs(todayMs) + seq, expires: (todayMs - hlcEpochMs) / 1000 },
          large,
        ),
      ]);
    expect(log.waitingCounts().orphans).toBe(most + 20);
    expect(log.preview()).toHaveLength(most);
  });
});
