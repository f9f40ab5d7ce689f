import { createHash } from 'node:crypto';
import { certificateLifeSeconds, issueCertificate, type Certificate } from '../../src/lib/crypto/certificate.ts';
import { hlcEpochMs, hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { Bytes, DeviceKeys, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createActs } from '../../src/lib/log/acts.ts';
import { createEventLog, type EventLog } from '../../src/lib/log/event-log.ts';
import { monthLane, signEvent, type Event, type Header } from '../../src/lib/log/event.ts';
import { makeGenesis } from '../../src/lib/log/genesis.ts';
import type { Incoming } from '../../src/lib/log/intake.ts';
import { encodePayload, kinds, type KindName, type Payload } from '../../src/lib/log/kinds.ts';
import { createNeighbourhood, type Neighbourhood } from '../../src/lib/log/neighbourhood.ts';
import { createReceiptBook } from '../../src/lib/log/receipt-book.ts';
import {
  createMemoryDisk,
  createMemoryStore,
  type MemoryDisk,
  type MemoryStoreOptions,
} from '../../src/lib/stores/memory-store.ts';
import { createVirtualClock, type VirtualClock } from '../contracts/transport-world.ts';
import { createSeededKeyring } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { platformCrypto } from './tracked-crypto.ts';

/** The afternoon on which every test of the log takes place, in month 5 since 2026-01. */
export const todayMs = Date.UTC(2026, 5, 15, 14);
export const todayLane = monthLane(hlcMonth(hlcFromMs(todayMs)));

export { platformCrypto };

export type Person = {
  readonly name: string;
  readonly keys: DeviceKeys;
  readonly certificate: Certificate;
  readonly device: string;
  readonly person: string;
  readonly rootSign: (message: Uint8Array) => Promise<Bytes>;
};

/** The same person every time, keys and certificate included. */
export const makePerson = async (name: string, nowMs = todayMs): Promise<Person> => {
  const { device: keys, rootPublicKey, rootSign } = await createSeededKeyring(new TextEncoder().encode(name)).open();
  const created = Math.floor((nowMs - hlcEpochMs) / 1000);
  const fields = { root: rootPublicKey, device: keys.signing.publicKey, agreement: keys.agreement.publicKey };
  const certificate = await issueCertificate(
    { ...fields, created, expires: created + certificateLifeSeconds },
    { root: rootSign, device: keys.signing.sign },
  );
  const device = bytesToText(keys.signing.publicKey);
  return { name, keys, certificate, device, person: bytesToText(rootPublicKey), rootSign };
};

export type LogPlace = Pick<MemoryStoreOptions, 'beforeCommit'> & {
  readonly disk?: ReturnType<typeof createMemoryDisk>;
  readonly clock?: VirtualClock;
  readonly random?: Random;
};

/** The log of one person's device on a disk of its own (or the one given), loaded. */
export const openLog = async (owner: Person, community: Bytes, place: LogPlace = {}) => {
  const { clock = createVirtualClock(todayMs), random = seededRandom(`log of ${owner.name}`) } = place;
  const disk = place.disk ?? createMemoryDisk();
  const store = createMemoryStore({ disk, ...(place.beforeCommit ? { beforeCommit: place.beforeCommit } : {}) });
  const log = createEventLog({
    crypto: platformCrypto,
    clock,
    random,
    store,
    community,
    signing: owner.keys.signing,
  });
  await log.load();
  return { log, store, disk, clock };
};

/** Everything a log holds, as a neighbour would hand it over. */
export const everythingOf = (log: EventLog): Incoming[] =>
  [...log.all()].map(({ event, payload }) => ({ envelope: event.envelope, payload }));

export const idsOf = (log: EventLog): string[] => [...log.all()].map(({ event }) => event.id).toSorted();

/** How many events and payloads a disk holds. */
export const countStored = ({ events, payloads }: MemoryDisk) => ({ stored: events.size, payloads: payloads.size });

export const openNeighbourhood = async (owner: Person, community: Bytes, place: LogPlace = {}) => {
  const opened = await openLog(owner, community, place);
  const receipts = createReceiptBook({
    crypto: platformCrypto,
    clock: opened.clock,
    store: opened.store,
    log: opened.log,
    signing: owner.keys.signing,
  });
  const here = createNeighbourhood({
    crypto: platformCrypto,
    clock: opened.clock,
    device: owner.keys,
    log: opened.log,
    receipts,
  });
  await here.openKeys();
  return { ...opened, here, receipts };
};

export type Street = {
  readonly community: Bytes;
  readonly genesis: Incoming;
  readonly clock: VirtualClock;
  readonly people: readonly Person[];
  /** The founder's neighbourhood; the founder has admitted all the others. */
  readonly founder: { readonly log: EventLog; readonly here: Neighbourhood };
  /** A fresh device of that person, with the whole log of the founder. */
  move(person: Person, place?: LogPlace): ReturnType<typeof openNeighbourhood>;
};

/** The first name founds the neighbourhood and lets the others in. */
export const makeStreet = async (
  ...names: readonly [string, ...string[]]
): Promise<Street & { founderPerson: Person }> => {
  const clock = createVirtualClock(todayMs);
  const people = await Promise.all(names.map((name) => makePerson(name)));
  const founderPerson = people[0] ?? (await makePerson(names[0]));
  const random = seededRandom(`street of ${names.join()}`);
  const { community, genesis } = await makeGenesis(
    { crypto: platformCrypto, clock, random, signing: founderPerson.keys.signing },
    { name: 'Lindenstrasse', personName: founderPerson.name, certificate: founderPerson.certificate },
  );
  const opened = await openNeighbourhood(founderPerson, community, { clock, random });
  unwrap(await opened.log.receive([genesis], 'founding', 'strict'));
  const acts = createActs({ crypto: platformCrypto, random, device: founderPerson.keys });
  unwrap(await acts.writeFirstKey(opened.here));
  await opened.here.openKeys();
  for (const { certificate, name } of people.slice(1)) {
    clock.advance(1_000);
    unwrap(await acts.admit(opened.here, { certificate, name, inviteHash: hashOf(`invite of ${name}`) }, []));
  }
  const move: Street['move'] = async (person, place = {}) => {
    const moved = await openNeighbourhood(person, community, { clock, ...place });
    unwrap(await moved.log.receive(everythingOf(opened.log), 'moving'));
    await moved.here.openKeys();
    return moved;
  };
  return { community, genesis, clock, people, founderPerson, founder: { log: opened.log, here: opened.here }, move };
};

export const hashOf = (text: string): Bytes => new Uint8Array(createHash('sha256').update(text).digest());

/** A message event exactly as the given fields say, whether or not they make sense. */
export const forgeEvent = async (
  signing: SigningKey,
  fields: Pick<Header, 'community'> & Partial<Header>,
  payload: Bytes = hashOf('payload'),
): Promise<Event & { payload: Bytes }> => {
  const event = await signEvent(platformCrypto, signing, {
    author: signing.publicKey,
    lane: todayLane,
    seq: 0,
    hlc: hlcFromMs(todayMs),
    kind: kinds['chat.message'].number,
    expires: 0,
    payloadHash: await platformCrypto.sha256(payload),
    payloadSize: payload.length,
    ...fields,
  });
  return { ...event, payload };
};

/** A well-formed payload of any kind, with a fixed salt. */
export const payloadOf = <K extends KindName>(kind: K, body: Payload<K>): Bytes =>
  encodePayload(seededRandom(`salt ${kind}`), kind, body);

export const say = (log: EventLog, text: string, clientId: Bytes = hashOf(text).slice(0, 16)) =>
  log.append('chat.message', { to: 'everyone', text, clientId });
