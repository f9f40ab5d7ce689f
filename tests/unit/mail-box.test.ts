import { describe, expect, it } from 'vitest';
import { failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createKeyActs } from '../../src/lib/log/acts-keys.ts';
import { createMemoryRelay } from '../support/memory-relay.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { mailStreet } from './mail-fixture.ts';
import { platformCrypto, todayLane } from './street-fixture.ts';

const relayOf = (name = 'one') => createMemoryRelay(`wss://${name}.example`);

const street = async () => {
  const world = await mailStreet('Anna', 'Bora', 'Chen');
  const [anna, bora, chen] = world.people;
  if (!anna || !bora || !chen) throw new Error('nobody lives here');
  return { ...world, anna, bora, chen };
};

describe("the community's box", () => {
  it('what anna wrote lies at every relay she reaches, and bora has it once he reaches one of them', async () => {
    const { anna, bora, home, soon } = await street();
    const [one, two] = [relayOf('one'), relayOf('two')];
    const annas = await home(anna, [one, two]);
    await annas.says('the well is open');
    await soon();
    annas.box.stop();
    const boras = await home(bora, [two]);
    expect(boras.texts()).toEqual(['the well is open']);
    expect(one.kept().length).toBe(two.kept().length);
  });

  it('bora signs for it in the box, and anna has his receipt though they were never there together', async () => {
    const { anna, bora, home, soon, pass } = await street();
    const relay = relayOf();
    const annas = await home(anna, [relay]);
    await annas.says('the well is open');
    await soon();
    annas.box.stop();
    const boras = await home(bora, [relay]);
    await boras.sign();
    await pass(3 * limits.boxAnswerMs + 4 * limits.boxAnswerPerDeviceMs);
    boras.box.stop();
    const again = await home(anna, [relay], { disk: annas.disk });
    expect(again.receipts.holders(anna.device, todayLane, 0)).toEqual([bora.device]);
  });

  it('what everybody has signed for is not handed on', async () => {
    const { anna, bora, chen, home, soon, pass } = await street();
    const relay = relayOf();
    const annas = await home(anna, [], { isLinkedToAll: () => true });
    const [boras, chens] = [await home(bora, []), await home(chen, [])];
    const said = await annas.says('by the links');
    const incoming = [{ envelope: said.event.envelope, payload: said.payload }];
    for (const each of [boras, chens]) {
      await each.log.receive(incoming, 'link');
      const receipt = await each.receipts.refreshOwn();
      await annas.receipts.take(receipt ?? new Uint8Array(0));
    }
    const before = relay.kept().length;
    await soon();
    annas.reach.open(relay);
    await pass(1_000);
    expect(annas.box.isKept(todayLane, 0)).toBe(false);
    const readers = await home(bora, [relay]);
    expect(relay.kept().length).toBeGreaterThan(before); // the authority lane, for which nobody signs
    expect(readers.texts()).toEqual([]);
  });

  it('bora, away while the key was changed, finds the new key in the old box and what was said since in the new one', async () => {
    const { anna, bora, home, soon, settle, pass } = await street();
    const relay = relayOf();
    const annas = await home(anna, [relay]);
    const boras = await home(bora, [relay]);
    boras.box.stop();
    const keys = createKeyActs({ crypto: platformCrypto, random: seededRandom('new key') });
    await keys.rotate(annas.here);
    await settle();
    await annas.says('under the new key');
    await soon();
    annas.box.stop();
    expect(relay.boxes().size).toBe(2);
    const again = await home(bora, [relay], { disk: boras.disk });
    await pass(limits.boxLookMs * 2);
    expect(again.here.currentKey()?.epoch).toBe(annas.here.currentKey()?.epoch);
    expect(again.texts()).toEqual(['under the new key']);
  });

  it('a relay that lost its database gets again what somebody still lacks', async () => {
    const { anna, bora, home, soon, pass } = await street();
    const relay = relayOf();
    const annas = await home(anna, [relay]);
    await annas.says('twice told');
    await soon();
    relay.loseDatabase();
    await pass(limits.boxLookMs * 2);
    annas.box.stop();
    const boras = await home(bora, [relay]);
    expect(boras.texts()).toEqual(['twice told']);
  });

  it('a relay that is full keeps nothing, nothing is said to be kept, and it is tried again', async () => {
    const { anna, bora, home, soon, pass } = await street();
    const relay = relayOf();
    const annas = await home(anna, [relay]);
    relay.refuseWith(failure('quota_full', 'mail-full'));
    await annas.says('later');
    await soon();
    expect(annas.box.isKept(todayLane, 0)).toBe(false);
    expect(annas.refused).toContain('box-take mail-full');
    relay.refuseWith(null);
    await pass(limits.boxLookMs * 2);
    expect(annas.box.isKept(todayLane, 0)).toBe(true);
    expect((await home(bora, [relay])).texts()).toEqual(['later']);
  });

  it('bora whose disk is full reads again what he could not store', async () => {
    const { anna, bora, home, soon, pass } = await street();
    const relay = relayOf();
    const annas = await home(anna, [relay]);
    const boras = await home(bora, []);
    boras.box.stop();
    await annas.says('for the full disk');
    await soon();
    let isFull = false;
    const again = await home(bora, [], {
      disk: boras.disk,
      beforeCommit: () => (isFull ? 'quota-full' : null),
    });
    isFull = true;
    again.reach.open(relay);
    await pass(1_000);
    expect(again.texts()).toEqual([]);
    expect(again.refused).toContain('box-store quota-full');
    isFull = false;
    await pass(limits.boxLookMs * 2);
    expect(again.texts()).toEqual(['for the full disk']);
  });

  it('what anna could tell chen only, chen hands on for her', async () => {
    const { anna, bora, chen, home, pass } = await street();
    const relay = relayOf();
    const annas = await home(anna, []);
    const chens = await home(chen, [relay]);
    const said = await annas.says('no server here');
    await chens.log.receive([{ envelope: said.event.envelope, payload: said.payload }], 'link 1');
    await pass(2 * limits.boxCourierMs);
    chens.box.stop();
    expect((await home(bora, [relay])).texts()).toEqual(['no server here']);
  });

  it('goes on where it stopped: nothing is handed on or read twice after a restart', async () => {
    const { anna, home, soon } = await street();
    const relay = relayOf();
    const annas = await home(anna, [relay]);
    await annas.says('once');
    await soon();
    annas.box.stop();
    const kept = relay.kept().length;
    const again = await home(anna, [relay], { disk: annas.disk });
    await soon();
    expect(relay.kept().length).toBe(kept);
    expect(again.box.isKept(todayLane, 0)).toBe(true);
  });
});
