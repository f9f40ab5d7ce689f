import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createActs } from '../../src/lib/log/acts.ts';
import { createPeopleActs } from '../../src/lib/log/acts-people.ts';
import { foldMembership } from '../../src/lib/log/membership.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { asIncoming, pinAt, sayAt } from '../unit/forks-fixture.ts';
import { forgeEvent, hashOf, makePerson, openLog, platformCrypto, todayLane, todayMs } from '../unit/street-fixture.ts';
import { street as streetOfTrust } from './membership-street.ts';
import { attackedHouse, runOf, updateOf } from './sync-fixture.ts';

const random = seededRandom('former members');
const laterHlc = hlcFromMs(todayMs + 3_600_000);

describe('whoever is out, in the room', () => {
  /** Mallory says one thing; then `ending` comes; then he goes on, dated back too. */
  const goesOnAfter = async (ending: (house: Awaited<ReturnType<typeof attackedHouse>>) => Promise<unknown>) => {
    const house = await attackedHouse();
    const { community } = house.street;
    const before = await sayAt(house.mallory, community, 0, 'said in time');
    unwrap(await house.log.receive(asIncoming([before]), 'mallory'));
    await ending(house);
    const after = [
      await sayAt(house.mallory, community, 1, 'dated back', hlcFromMs(todayMs) + 1),
      await sayAt(house.mallory, community, 2, 'said later', laterHlc),
    ];
    unwrap(await house.log.receive(asIncoming(after), 'bora'));
    const { messages, voidById } = house.here.room();
    const shown = messages.filter(({ device }) => device === house.mallory.device).map(({ text }) => text);
    return { house, shown, reasons: after.map(({ id }) => voidById.get(id)) };
  };

  it('a removed author goes on speaking: kept by everybody, void for everybody, and the link gives and takes no month', async () => {
    const { house, shown, reasons } = await goesOnAfter(({ here, anna, mallory }) =>
      createPeopleActs({ random, device: anna.keys })
        .propose(here, { act: 'remove', person: mallory.person, reason: 'He lies about the well' })
        .then(unwrap),
    );
    expect([shown, reasons]).toEqual([['said in time'], ['removed', 'removed']]);
    house.link.sent.splice(0);
    await house.attack(encodeFrame({ type: 'ask', lane: todayLane, clocks: new Map() }));
    const more = await sayAt(house.mallory, house.street.community, 3, 'and more', laterHlc + 1);
    await house.sendUpdate(updateOf(await runOf(house.mallory, [more.envelope], { start: 3 })));
    expect(house.sync.refusals().get('lane-forbidden')).toBe(2);
    expect([house.link.sent, house.log.byId(more.id)]).toEqual([[], undefined]);
  });

  it('a device that was given up goes on speaking: void, whatever it dates itself', async () => {
    const { shown, reasons } = await goesOnAfter(({ here, anna, mallory }) =>
      createActs({ crypto: platformCrypto, random, device: anna.keys })
        .revokeDevice(here, { device: mallory.keys.signing.publicKey, rootSign: mallory.rootSign })
        .then(unwrap),
    );
    expect([shown, reasons]).toEqual([['said in time'], ['removed', 'removed']]);
  });

  it('a removed author writes authority events: none has effect', async () => {
    const { house } = await goesOnAfter(({ here, anna, mallory }) =>
      createPeopleActs({ random, device: anna.keys })
        .propose(here, { act: 'remove', person: mallory.person, reason: '' })
        .then(unwrap),
    );
    const act = await pinAt(
      house.mallory,
      house.street.community,
      0,
      [...house.here.membership().authorityHeads],
      'Anna',
    );
    unwrap(await house.log.receive(asIncoming([act]), 'bora'));
    expect(house.here.membership().voidById.get(act.id)).toBe('removed');
    expect(house.here.membership().nameOf(house.mallory.person)).toBe('mallory');
  });
});

describe('a co-signer whose device forks', () => {
  const forkBora = async () => {
    const lived = await streetOfTrust(true);
    const { history, bora } = lived;
    const community = history.community();
    // Dated to the beginning of time: everything this device ever wrote is later.
    const twins = await Promise.all(
      ['one', 'other'].map((text) => forgeEvent(bora.keys.signing, { community, lane: 16, hlc: 1 }, hashOf(text))),
    );
    /** What somebody makes of it who hears the deeds first and of the fork last. */
    const read = async () => {
      const { log } = await openLog(await makePerson('reader'), community);
      const deeds = history.deeds.map(({ entry }) => ({ envelope: entry.event.envelope, payload: entry.payload }));
      unwrap(await log.receive(deeds, 'somebody'));
      unwrap(await log.receive(asIncoming(twins), 'somebody'));
      expect(log.frozenSince(bora.device)).toBe(1);
      return foldMembership(log);
    };
    return { ...lived, read };
  };

  it('cannot undo what was agreed: bora is out with that device, and mallory stays removed', async () => {
    const { history, anna, bora, chen, mallory, read } = await forkBora();
    const removal = await history.against(anna, 'remove', mallory, [anna, bora, chen]);
    const membership = await read();
    expect([membership.roleOf(bora.device), membership.voidById.get(removal.id)]).toEqual([null, undefined]);
    expect(membership.former).toMatchObject([{ person: mallory.person, how: 'removed' }]);
  });

  it('agrees to nothing by an event of its own, and signs for nobody once it was given up', async () => {
    const { history, anna, bora, chen, mallory, read } = await forkBora();
    // An act of somebody else that named it would pin it: these two do not know it.
    const knows = [...history.deeds];
    const renamed = await history.rename(bora, 'Bora the thief');
    knows.push(await history.revoke(anna, bora, { knows }));
    const late = await history.against(chen, 'remove', mallory, [anna, bora, chen], { knows });
    const { voidById } = await read();
    expect([voidById.get(renamed.id), voidById.get(late.id)]).toEqual(['frozen', 'quorum']);
  });
});
