import { describe, expect, it } from 'vitest';
import { issueCertificate, type Certificate } from '../../src/lib/crypto/certificate.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import type { Entry } from '../../src/lib/log/lanes.ts';
import { kinds, type KindName, type Payload } from '../../src/lib/log/kinds.ts';
import { foldMembership, type Membership } from '../../src/lib/log/membership.ts';
import { createReference } from '../support/history-reference.ts';
import { randomHistory } from '../support/random-history.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import {
  everythingOf,
  forgeEvent,
  hashOf,
  idsOf,
  makePerson,
  makeStreet,
  openLog,
  payloadOf,
  todayMs,
  type Person,
} from './street-fixture.ts';

const sealed = new Uint8Array(80);
const authority = async <K extends KindName>(
  author: Person,
  seq: number,
  hlc: number,
  kind: K,
  body: Payload<K>,
  community: Bytes,
): Promise<Entry> => {
  const payload = payloadOf(kind, body);
  const { payload: kept, ...event } = await forgeEvent(
    author.keys.signing,
    { community, lane: 0, seq, hlc, kind: kinds[kind].number },
    payload,
  );
  return { event, payload: kept };
};
const zeros = new Uint8Array(16);
const genesisBy = (founder: Person, hlc = 0) =>
  authority(
    founder,
    0,
    hlc,
    'community.genesis',
    { name: 'Lindenstrasse', personName: founder.name, certificate: founder.certificate.bytes },
    zeros,
  );
const admitBody = (guest: Person, invite = `invite of ${guest.name}`): Payload<'community.admit'> => ({
  auth: [],
  certificate: guest.certificate.bytes,
  personName: guest.name,
  inviteHash: hashOf(invite),
  epoch: zeros,
  sealedKey: sealed,
});

/** A log that holds these entries in this order; certificates as its admissions would have read them. */
const logOf = (entries: readonly Entry[], certificates: ReadonlyMap<string, Certificate>) => ({
  community: hashOf('c').slice(0, 16),
  all: function* () {
    yield* entries;
  },
  certificateOf: (id: string) => certificates.get(id),
});
const plain = (membership: Membership) => ({
  name: membership.communityName,
  members: [...membership.members].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  used: [...membership.usedInvites].toSorted(),
  voids: [...membership.voidById].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  keys: membership.sealedKeys.map(({ epoch, device }) => `${epoch} ${device}`),
  epochs: membership.epochs.map(({ epoch, eventId }) => `${epoch} ${eventId}`),
  heads: membership.authorityHeads,
});
const shuffled = <T>(items: readonly T[], random: Random): T[] =>
  items
    .map((item) => ({ item, at: randomInt(random, 2 ** 32) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);

describe('the fold of the authority lane', () => {
  it('comes out of a real log as the reference says, whatever the batches, the order, and however late the payloads', async () => {
    const random = seededRandom('real histories');
    for (let seed = 1; seed <= 12; seed++) {
      const { history } = await randomHistory(seed, true);
      for (let order = 0; order < 2; order++) {
        const { log } = await openLog(await makePerson('nobody here'), history.community());
        const late = new Map<string, Bytes>();
        const incoming = shuffled(history.deeds, random).map(({ id, entry }) => {
          const isLate = entry.payload !== null && randomInt(random, 3) === 0;
          if (isLate && entry.payload) late.set(id, entry.payload);
          return { envelope: entry.event.envelope, payload: isLate ? null : entry.payload };
        });
        for (let pass = 0; pass < 4; pass++) {
          for (let at = 0; at < incoming.length; at += 3)
            unwrap(await log.receive(incoming.slice(at, at + 3), 'somebody'));
          for (const [id, payload] of shuffled([...late], random))
            unwrap(await log.receivePayloads([{ id, payload }], 'somebody'));
          await log.settled();
        }
        const { voidById } = foldMembership(log);
        const stored = history.deeds.filter(({ id }) => log.byId(id));
        // Whoever no stored event names stays parked, so the reference is asked about what is stored.
        const reference = createReference(stored);
        const { reasons } = reference.fold();
        const expected = stored.map((deed) =>
          reference.pastOf(deed) ? (reasons.get(deed.id) ?? null) : 'auth-missing',
        );
        expect(stored.map(({ id }) => voidById.get(id) ?? null)).toEqual(expected);
        expect(stored.length).toBeGreaterThan(4);
      }
    }
  }, 120_000);

  it('makes of one set of events the same log and the same members in 60 orders of arrival', async () => {
    const street = await makeStreet('anna', 'bora', 'chen');
    const [anna] = street.people;
    if (!anna) throw new Error('nobody lives here');
    const all = everythingOf(street.founder.log);
    const expected = plain(street.founder.here.membership());
    const random = seededRandom('arrivals');
    for (let order = 0; order < 60; order++) {
      const { log } = await openLog(anna, street.community);
      // Two passes: what comes before the genesis is parked or an orphan, and some of it is offered again.
      for (const incoming of [...shuffled(all, random), ...shuffled(all, random)])
        unwrap(await log.receive([incoming], 'somebody'));
      await log.settled();
      expect(idsOf(log)).toEqual(idsOf(street.founder.log));
      expect(plain(foldMembership(log))).toEqual(expected);
    }
  }, 60_000);

  it('knows who founded, who was let in by whom, and under which name', async () => {
    const { founder, people } = await makeStreet('anna', 'bora');
    const [anna, bora] = people;
    const membership = founder.here.membership();
    expect(membership.communityName).toBe('Lindenstrasse');
    expect(membership.members.get(anna?.person ?? '')).toMatchObject({
      name: 'anna',
      role: 'anchor',
      devices: [anna?.device],
      invitedBy: null,
    });
    expect(membership.members.get(bora?.person ?? '')).toMatchObject({
      name: 'bora',
      role: 'member',
      invitedBy: anna?.person,
    });
    expect([membership.roleOf(bora?.device ?? ''), membership.roleOf('somebody')]).toEqual(['member', null]);
    expect(membership.agreementKeyOf(bora?.device ?? '')).toEqual(bora?.certificate.agreement);
  });

  const folded = async (
    build: (
      people: { anna: Person; bora: Person; chen: Person; mallory: Person },
      community: Bytes,
    ) => Promise<Entry[]>,
    certificateFor: (entry: Entry) => Certificate | undefined,
  ) => {
    const [anna, bora, chen, mallory] = await Promise.all(
      ['anna', 'bora', 'chen', 'mallory'].map((name) => makePerson(name)),
    );
    if (!anna || !bora || !chen || !mallory) throw new Error('nobody lives here');
    const genesis = await genesisBy(anna);
    const entries = [genesis, ...(await build({ anna, bora, chen, mallory }, hashOf('c').slice(0, 16)))];
    const certificates = new Map(
      entries
        .flatMap((entry) => [[entry.event.id, entry === genesis ? anna.certificate : certificateFor(entry)] as const])
        .filter((pair): pair is [string, Certificate] => pair[1] !== undefined),
    );
    return { anna, bora, chen, mallory, entries, membership: foldMembership(logOf(entries, certificates)) };
  };

  it('gives an admission by a stranger no effect', async () => {
    const { chen, mallory, entries, membership } = await folded(
      async ({ mallory, chen }, community) => [
        await authority(mallory, 0, 5, 'community.admit', admitBody(chen), community),
      ],
      () => undefined,
    );
    expect([membership.roleOf(chen.device), membership.roleOf(mallory.device)]).toEqual([null, null]);
    expect(membership.voidById.get(entries[1]?.event.id ?? '')).toBe('author-not-member');
  });

  it('lets an invite in once: the first in the order of its inviter counts', async () => {
    const bora = await makePerson('bora');
    const chen = await makePerson('chen');
    const { membership, entries } = await folded(
      async ({ anna }, community) => [
        await authority(anna, 1, 5, 'community.admit', admitBody(bora, 'one invite'), community),
        await authority(anna, 2, 6, 'community.admit', admitBody(chen, 'one invite'), community),
      ],
      (entry) => (entry.event.header.seq === 1 ? bora.certificate : chen.certificate),
    );
    expect([membership.roleOf(bora.device), membership.roleOf(chen.device)]).toEqual(['member', null]);
    expect(membership.voidById.get(entries[2]?.event.id ?? '')).toBe('invite-used');
  });

  it('gives no effect to events back in time, without payload, of unknown kinds, in the wrong lane, or with a broken certificate', async () => {
    const chen = await makePerson('chen');
    const { membership, entries } = await folded(
      async ({ anna }, community) => {
        const back = await authority(anna, 2, 4, 'person.profile', { auth: [], personName: 'x' }, community);
        const bare = {
          ...(await authority(anna, 3, 7, 'person.profile', { auth: [], personName: 'y' }, community)),
          payload: null,
        };
        const { payload: _p, ...unknown } = await forgeEvent(anna.keys.signing, {
          community,
          lane: 0,
          seq: 4,
          hlc: 8,
          kind: 999,
        });
        const { payload: message, ...stray } = await forgeEvent(anna.keys.signing, {
          community,
          lane: 0,
          seq: 5,
          hlc: 9,
        });
        const broken = await authority(anna, 6, 10, 'community.admit', admitBody(chen), community);
        const odd = {
          event: (await authority(anna, 7, 11, 'person.profile', { auth: [], personName: 'z' }, community)).event,
          payload: new Uint8Array(40) as Bytes,
        };
        return [
          await authority(anna, 1, 5, 'person.profile', { auth: [], personName: 'Anna' }, community),
          back,
          bare,
          { event: unknown, payload: null },
          { event: stray, payload: message },
          broken,
          odd,
        ];
      },
      () => undefined,
    );
    expect(entries.slice(1).map(({ event }) => membership.voidById.get(event.id))).toEqual([
      undefined,
      'hlc-order',
      'payload-missing',
      'kind-unknown',
      'kind-lane',
      'auth-missing',
      'payload-malformed',
    ]);
    expect([...membership.members.values()].map(({ name }) => name)).toEqual(['Anna']);
  });

  it('takes a further device of a member to be the same person', async () => {
    const [bora, phone] = [await makePerson('bora'), await makePerson('bora on the phone')];
    const sign = { root: bora.rootSign, device: phone.keys.signing.sign };
    const certificate = await issueCertificate({ ...phone.certificate, root: bora.certificate.root }, sign);
    const { membership } = await folded(
      async ({ anna }, community) => [
        await authority(anna, 1, 5, 'community.admit', admitBody(bora), community),
        await authority(anna, 2, 6, 'community.admit', admitBody({ ...phone, certificate }), community),
      ],
      (entry) => (entry.event.header.seq === 1 ? bora.certificate : certificate),
    );
    expect(membership.members.size).toBe(2);
    expect(membership.members.get(bora.person)?.devices).toEqual([bora.device, phone.device]);
    expect(membership.personOf(phone.device)).toBe(bora.person);
  });

  it('does not look at any clock: events from 2095 count as those of today', async () => {
    const bora = await makePerson('bora');
    for (const hlc of [1, hlcFromMs(todayMs), Number.MAX_SAFE_INTEGER]) {
      const { membership } = await folded(
        async ({ anna }, community) => [await authority(anna, 1, hlc, 'community.admit', admitBody(bora), community)],
        () => bora.certificate,
      );
      expect(membership.roleOf(bora.device)).toBe('member');
    }
  });
});
