import { describe, expect, it } from 'vitest';
import { issueCertificate } from '../../src/lib/crypto/certificate.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { compareBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { makeProof } from '../../src/lib/log/fork.ts';
import { createMemoryDisk, isSimulatedCrash, type StoreFault } from '../../src/lib/stores/memory-store.ts';
import { admitAt, asIncoming, digestOf, diskOf, imageOf, pinAt, sayAt } from './forks-fixture.ts';
import {
  everythingOf,
  forgeEvent,
  hashOf,
  makePerson,
  makeStreet,
  openLog,
  say,
  todayLane,
  todayMs,
  type LogPlace,
  type Person,
} from './street-fixture.ts';

const makeThree = async (place: LogPlace = {}, known?: Awaited<ReturnType<typeof makeStreet>>) => {
  const street = known ?? (await makeStreet('anna', 'bora', 'chen'));
  const [anna, bora, chen] = street.people as [Person, Person, Person];
  const opened = await openLog(chen, street.community, place);
  unwrap(await opened.log.receive(everythingOf(street.founder.log), 'anna'));
  const authority = [...street.founder.log.all()].map(({ event }) => event);
  return { street, community: street.community, anna, bora, chen, authority, ...opened };
};
const idsAt = (log: Awaited<ReturnType<typeof makeThree>>['log'], device: string, lane = todayLane) =>
  log.slice(device, lane, 0, 99).map(({ event }) => event.id);

describe('a forked lane', () => {
  it('ends before the fork, for whoever comes first, and says so after a restart too', async () => {
    const { log, disk, chen, community, bora } = await makeThree();
    const [zero, one, two, twin] = [
      await sayAt(bora, community, 0, 'zero'),
      await sayAt(bora, community, 1, 'one'),
      await sayAt(bora, community, 2, 'two'),
      await sayAt(bora, community, 1, 'not one', hlcFromMs(todayMs) - 5),
    ];
    unwrap(await log.receive(asIncoming([zero, one, two]), 'bora'));
    const heard: boolean[] = [];
    log.onStored(({ isRebuilt }) => heard.push(isRebuilt));
    unwrap(await log.receive(asIncoming([twin]), 'anna'));
    expect(idsAt(log, bora.device)).toEqual([zero.id]);
    expect(heard).toEqual([true]);
    expect(log.forks()).toMatchObject([{ device: bora.device, lane: todayLane, seq: 1, standsUpTo: null }]);
    expect(log.frozenSince(bora.device)).toBe(hlcFromMs(todayMs) - 5);
    expect(log.isBelowPin(bora.device, todayLane, 0)).toBe(false);
    expect(unwrap(await log.receive(asIncoming([one, two, twin]), 'bora')).ready).toEqual([]);
    const again = await openLog(chen, community, { disk });
    expect(imageOf(again.log)).toEqual(imageOf(log));
    expect(again.log.proofs()).toEqual([makeProof(one, twin).bytes]);
  });

  it('is proven by two events that both wait, and by a proof alone', async () => {
    const a = await makeThree();
    const b = await makeThree({}, a.street);
    const { community, bora } = a;
    const early = [await sayAt(bora, community, 3, 'three'), await sayAt(bora, community, 3, 'other three')] as const;
    unwrap(await a.log.receive(asIncoming(early), 'bora'));
    expect(a.log.forks()).toMatchObject([{ device: bora.device, seq: 3 }]);
    expect(await b.log.receiveProof(makeProof(...early).bytes, 'anna')).toEqual(ok(true));
    expect(await b.log.receiveProof(makeProof(...early).bytes, 'anna')).toEqual(ok(false));
    const before = await Promise.all([0, 1, 2].map((seq) => sayAt(bora, community, seq, `${seq}`)));
    for (const { log } of [a, b]) unwrap(await log.receive(asIncoming([...before, ...early]), 'bora'));
    expect(idsAt(a.log, bora.device)).toEqual(before.map(({ id }) => id));
    expect(imageOf(a.log)).toEqual(imageOf(b.log));
  });

  it('of the founder takes back what was admitted from there on, and whoever was admitted', async () => {
    const { log, community, anna, bora, chen } = await makeThree();
    unwrap(await log.receive(asIncoming([await sayAt(bora, community, 0, 'hello')]), 'bora'));
    const twin = await pinAt(anna, community, 2, [], 'stolen');
    unwrap(await log.receive(asIncoming([twin]), 'mallory'));
    expect(log.next(anna.device, 0)).toBe(2);
    expect([log.isAdmitted(anna.device), log.isAdmitted(bora.device), log.isAdmitted(chen.device)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(idsAt(log, bora.device)).toEqual([]);
  });

  it('stands as far as another person has pinned it: a stolen founder key cannot erase history', async () => {
    const { log, disk, chen, community, anna, bora, authority } = await makeThree();
    const pin = await pinAt(bora, community, 0, [digestOf(authority.slice(0, 4))]);
    unwrap(await log.receive(asIncoming([pin, await sayAt(bora, community, 0, 'hello')]), 'bora'));
    const later = await pinAt(anna, community, 4, [], 'Anna again');
    unwrap(await log.receive(asIncoming([later]), 'anna'));
    const twin = await pinAt(anna, community, 1, [], 'stolen', 7);
    const theft = [twin, await pinAt(anna, community, 2, [], 'stolen too')];
    unwrap(await log.receive(asIncoming(theft), 'mallory'));
    expect(idsAt(log, anna.device, 0)).toEqual(authority.map(({ id }) => id));
    expect(log.forks()).toMatchObject([{ device: anna.device, seq: 1, standsUpTo: 4 }]);
    expect([log.frozenSince(anna.device), log.isAdmitted(bora.device)]).toEqual([7, true]);
    expect([3, 4].map((seq) => log.isBelowPin(anna.device, 0, seq))).toEqual([true, false]);
    const again = await openLog(chen, community, { disk });
    expect(imageOf(again.log)).toEqual(imageOf(log));
  });

  it('comes back when the pin comes after the proof, from whoever still has the branch', async () => {
    const { log, community, anna, bora, authority, street } = await makeThree();
    const twin = await pinAt(anna, community, 1, [], 'stolen');
    const stolen = makeProof(authority[1] ?? twin, twin);
    expect(await log.receiveProof(stolen.bytes, 'mallory')).toEqual(ok(true));
    expect(log.next(anna.device, 0)).toBe(1);
    const pin = await pinAt(bora, community, 0, [digestOf(authority.slice(0, 4))]);
    unwrap(await log.receive([...everythingOf(street.founder.log), ...asIncoming([pin])], 'bora'));
    expect(idsAt(log, anna.device, 0)).toEqual(authority.map(({ id }) => id));
    expect(log.isAdmitted(bora.device)).toBe(true);
    expect(log.next(bora.device, 0)).toBe(1);
  });

  it('is not held up by pins of its own person, nor by those of people only the other branch let in', async () => {
    const { log, community, anna, bora, authority } = await makeThree();
    const mallory = await makePerson('mallory');
    const evil = [await admitAt(anna, community, 2, mallory), await pinAt(anna, community, 3, [], 'stolen')];
    const branch = digestOf([...authority.slice(0, 2), ...evil]);
    const ownPin = await pinAt(anna, community, 4, [branch]);
    const accomplice = await pinAt(mallory, community, 0, [branch], 'mallory', 1);
    const honest = await pinAt(bora, community, 0, [digestOf(authority.slice(0, 3))]);
    unwrap(await log.receive(asIncoming([honest]), 'bora'));
    unwrap(await log.receive(asIncoming([...evil, ownPin, accomplice]), 'mallory'));
    // Bora and mallory were both let in by a contested event, at the same depth: the smaller event id goes first.
    const bestIsHonest = honest.id < accomplice.id;
    expect(log.isAdmitted(bestIsHonest ? bora.device : mallory.device)).toBe(true);
    expect(log.isAdmitted(bestIsHonest ? mallory.device : bora.device)).toBe(false);
    expect(log.forks()).toMatchObject([{ standsUpTo: bestIsHonest ? 3 : 4 }]);
  });

  it('is not held up by another device of the same person', async () => {
    const { log, community, anna, bora, authority } = await makeThree();
    const second = await makePerson('anna elsewhere');
    const { bytes: _, ...fields } = second.certificate;
    const certificate = await issueCertificate(
      { ...fields, root: anna.certificate.root },
      { root: anna.rootSign, device: second.keys.signing.sign },
    );
    const twins = [await pinAt(anna, community, 4, [], 'one'), await pinAt(anna, community, 4, [], 'other')];
    const pin = await pinAt(second, community, 0, [digestOf([...authority, ...twins.slice(0, 1)])]);
    unwrap(await log.receive(asIncoming([await admitAt(bora, community, 0, { ...second, certificate }), pin]), 'bora'));
    expect([log.isAdmitted(second.device), log.next(second.device, 0)]).toEqual([true, 1]);
    unwrap(await log.receive(asIncoming(twins), 'anna'));
    expect(log.forks()).toMatchObject([{ device: anna.device, seq: 4, standsUpTo: null }]);
  });

  it('is not held up by somebody the pinned branch would never have let in', async () => {
    const { log, community, anna, chen, authority } = await makeThree();
    const twin = await pinAt(anna, community, 3, [], 'stolen');
    const pin = await pinAt(chen, community, 0, [digestOf([...authority.slice(0, 3), twin])]);
    unwrap(await log.receive(asIncoming([pin, twin]), 'chen'));
    expect(log.forks()).toMatchObject([{ device: anna.device, seq: 3, standsUpTo: null }]);
    expect([log.next(anna.device, 0), log.isAdmitted(chen.device)]).toEqual([3, false]);
  });

  it('never takes the genesis away: the neighbourhood is named by its hash', async () => {
    const { log, community, anna } = await makeThree();
    const twin = await pinAt(anna, community, 0, [], 'another beginning', 1);
    unwrap(await log.receive(asIncoming([twin]), 'mallory'));
    expect(log.next(anna.device, 0)).toBe(1);
    expect(log.isBelowPin(anna.device, 0, 0)).toBe(true);
    expect(log.isAdmitted(anna.device)).toBe(true);
  });

  it('costs the device its pen: nothing more is signed with a key that has forked, or was given up', async () => {
    const { log, community, chen } = await makeThree();
    const said = unwrap(await say(log, 'once'));
    unwrap(await log.receive(asIncoming([await sayAt(chen, community, 0, 'twice')]), 'bora'));
    expect(log.byId(said.event.id)).toBeUndefined();
    expect(await say(log, 'never')).toEqual(err('retired'));
    const other = await makeThree();
    other.log.retire();
    expect(await say(other.log, 'never')).toEqual(err('retired'));
  });
});

describe('a fork proof', () => {
  it('is refused unless it is two verified events of this neighbourhood at one place, the smaller id first', async () => {
    const { log, community, bora, chen } = await makeThree();
    const [one, other] = [await sayAt(bora, community, 0, 'one'), await sayAt(bora, community, 0, 'other')];
    const proof = makeProof(one, other);
    const refusalOf = async (a: { envelope: Uint8Array }, b: { envelope: Uint8Array }) =>
      log.receiveProof(
        encodeCbor([a.envelope as Uint8Array<ArrayBuffer>, b.envelope as Uint8Array<ArrayBuffer>]),
        'mallory',
      );
    expect(await refusalOf(proof.second, proof.first)).toEqual(err('proof-order'));
    expect(await refusalOf(one, one)).toEqual(err('proof-order'));
    expect(await refusalOf(one, await sayAt(bora, community, 1, 'next'))).toEqual(err('proof-place'));
    expect(await refusalOf(one, await sayAt(chen, community, 0, 'chen'))).toEqual(err('proof-place'));
    const elsewhere = await sayAt(bora, hashOf('elsewhere').slice(0, 16), 0, 'one');
    expect(await refusalOf(one, elsewhere)).toEqual(err('event-community'));
    const forged = await forgeEvent(chen.keys.signing, { community, author: bora.keys.signing.publicKey });
    expect(await refusalOf(one, forged)).toEqual(err('event-signature'));
    expect(await log.receiveProof(new Uint8Array(limits.proofBytesMax + 1), 'mallory')).toEqual(err('proof-malformed'));
    for (let length = 0; length < proof.bytes.length; length += 7)
      expect(await log.receiveProof(proof.bytes.subarray(0, length), 'mallory')).toEqual(err('proof-malformed'));
    expect([log.forks(), log.proofs()]).toEqual([[], []]);
  });

  it('against somebody nobody has named waits, bounded, and counts when the admission comes', async () => {
    const { log, community, anna } = await makeThree();
    const dora = await makePerson('dora');
    const proofOf = async (owner: Person) =>
      makeProof(await sayAt(owner, community, 0, 'one'), await sayAt(owner, community, 0, 'other')).bytes;
    expect(await log.receiveProof(await proofOf(dora), 'anna')).toEqual(ok(false));
    for (let at = 1; at < limits.proofStrangersMax; at++)
      await log.receiveProof(await proofOf(await makePerson(`stranger ${at}`)), 'mallory');
    expect(await log.receiveProof(await proofOf(await makePerson('one more')), 'mallory')).toEqual(
      err('waiting-room-full'),
    );
    expect(log.forks()).toEqual([]);
    unwrap(await log.receive(asIncoming([await admitAt(anna, community, 4, dora)]), 'anna'));
    expect(log.forks()).toMatchObject([{ device: dora.device, seq: 0 }]);
  });

  it('and what it takes away are one commit: after a crash at any of them both are there or neither', async () => {
    for (const fault of ['crash', 'crash-after', 'power-cut', 'quota-full'] as const) {
      const disk = createMemoryDisk();
      let next: StoreFault | null = null;
      const beforeCommit = (): StoreFault | null => next;
      const { log, community, chen, bora } = await makeThree({ disk, beforeCommit });
      const [one, two] = [await sayAt(bora, community, 0, 'one'), await sayAt(bora, community, 1, 'two')];
      const twin = await sayAt(bora, community, 0, 'other');
      unwrap(await log.receive(asIncoming([one, two]), 'bora', 'strict'));
      next = fault;
      const work = log.receiveProof(makeProof(one, twin).bytes, 'anna');
      if (fault === 'quota-full') {
        expect(await work).toEqual(err('quota-full'));
        expect([idsAt(log, bora.device).length, log.forks(), log.proofs()]).toEqual([2, [], []]);
      } else await expect(work).rejects.toSatisfy(isSimulatedCrash);
      const again = await openLog(chen, community, { disk });
      const isDone = fault === 'crash-after';
      expect(diskOf(disk).proofs).toHaveLength(isDone ? 1 : 0);
      expect(idsAt(again.log, bora.device)).toHaveLength(isDone ? 0 : 2);
    }
  });

  it('of an earlier seq takes the place of the one that was kept', async () => {
    const { log, disk, community, bora } = await makeThree();
    const events = await Promise.all([0, 1, 2].map((seq) => sayAt(bora, community, seq, `${seq}`)));
    unwrap(await log.receive(asIncoming(events), 'bora'));
    for (const seq of [2, 1])
      unwrap(await log.receive(asIncoming([await sayAt(bora, community, seq, 'twin')]), 'bora'));
    expect([log.forks()[0]?.seq, log.forks().length, diskOf(disk).proofs.length]).toEqual([1, 1, 1]);
    expect(idsAt(log, bora.device)).toEqual([events[0]?.id]);
  });
});

describe('one header with two good signatures', () => {
  /** Bora's key with another nonce: a signature as good as the first, over the same header. */
  const resign = async (bora: Person, community: Uint8Array<ArrayBuffer>, seq: number, text: string) => {
    const { signWithNonce } = await import('./second-signature.ts');
    const first = await sayAt(bora, community, seq, text);
    const second = { ...(await signWithNonce('bora', first)), payload: first.payload };
    return compareBytes(first.envelope, second.envelope) < 0 ? ([first, second] as const) : ([second, first] as const);
  };

  it('is one event: nodes that hear them in opposite order end with the same bytes, and nobody has forked', async () => {
    const a = await makeThree();
    const b = await makeThree({}, a.street);
    const { community, bora } = a;
    const [smaller, larger] = await resign(bora, community, 0, 'hello');
    expect(smaller.id).toBe(larger.id);
    const next = await sayAt(bora, community, 1, 'next');
    const told: string[] = [];
    b.log.onResigned(({ id }) => told.push(id));
    for (const events of [[smaller, next], [larger]]) unwrap(await a.log.receive(asIncoming(events), 'bora'));
    for (const events of [[larger, next], [smaller]]) unwrap(await b.log.receive(asIncoming(events), 'bora'));
    expect(imageOf(a.log)).toEqual(imageOf(b.log));
    expect(diskOf(a.disk)).toEqual(diskOf(b.disk));
    expect([a.log.forks(), b.log.forks(), told]).toEqual([[], [], [smaller.id]]);
    expect(b.log.byId(smaller.id)?.event.envelope).toEqual(smaller.envelope);
    expect([b.log.missingPayloads(9), a.log.digestAt(bora.device, todayLane, 2)]).toEqual([
      [],
      b.log.digestAt(bora.device, todayLane, 2),
    ]);
  });

  it('within one batch, and while the event waits, leaves the smaller envelope too', async () => {
    const { log, community, bora } = await makeThree();
    const [smaller, larger] = await resign(bora, community, 0, 'hello');
    const [early, late] = await resign(bora, community, 1, 'early');
    for (const event of [late, early]) unwrap(await log.receive(asIncoming([event]), 'bora'));
    unwrap(await log.receive(asIncoming([larger, smaller]), 'bora'));
    expect(log.slice(bora.device, todayLane, 0, 9).map(({ event }) => event.envelope)).toEqual([
      smaller.envelope,
      early.envelope,
    ]);
    expect(log.forks()).toEqual([]);
  });
});
