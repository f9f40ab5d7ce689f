import { areBytesEqual, compareBytes } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Admissions } from './admissions.ts';
import { communityOf, isGenesisHeader, parseEventNow, verifyEvent, type Event, type EventRefusal } from './event.ts';
import { makeProof, type Proof } from './fork.ts';
import type { Forks } from './forks.ts';
import type { Entry, Lanes } from './lanes.ts';
import { mergeArrivals, type Arrival, type WaitingRoom } from './waiting-room.ts';

/** An envelope as it came from outside, with the payload that came along or null. */
export type Incoming = { readonly envelope: Uint8Array; readonly payload: Uint8Array | null };

export type IntakeRefusal = EventRefusal | 'fork' | 'frozen' | 'payload-hash' | 'waiting-room-full';

/** What became of a batch: `ready` is in the order in which it may be stored, gapless from what the log holds. */
export type Intake = {
  readonly ready: readonly Entry[];
  readonly refused: readonly { readonly reason: IntakeRefusal; readonly id: string }[];
  readonly known: number;
  readonly waiting: number;
  /** Twins that were found, each with the event that stands, or waits, at its place. */
  readonly forks: readonly Proof[];
  /** Events we hold, with a second good signature that makes a smaller envelope. */
  readonly resigned: readonly Event[];
  /** True when something came that is not stored but may decide what stands of a fork. */
  readonly hasTwins: boolean;
  /** What has to be done once `ready` is committed, and not before. */
  apply(): Promise<void>;
};

type IntakeDeps = {
  readonly crypto: CryptoPort;
  readonly community: Bytes;
  readonly lanes: Lanes;
  readonly waiting: WaitingRoom;
  readonly admissions: Pick<Admissions, 'isAdmitted' | 'admitFounder' | 'learn'>;
  readonly forks: Forks;
};

/**
 * The one choke point of the log (P2). Order of checks, cheapest first: size and canonical form, version and community,
 * already held, admitted author, key rule ED1, signature, next seq of its lane. None of them looks at role, clock,
 * budget, build or payload, so two nodes that are offered the same events store the same ones (P3). It plans: who is
 * admitted, and who waits no more, changes with `apply`, so that a full disk leaves nothing half done.
 */
export const takeIn = async (deps: IntakeDeps, incoming: readonly Incoming[], source: string): Promise<Intake> => {
  const { lanes, waiting, forks } = deps;
  const refused: { reason: IntakeRefusal; id: string }[] = [];
  const ready: Entry[] = [];
  const readyAt = new Map<string, number>();
  const found: Proof[] = [];
  const resigned: Event[] = [];
  const plan = createPlan(deps);
  let [known, kept, hasTwins] = [0, 0, false];

  const keep = (isKept: boolean, { event }: Arrival, reason: IntakeRefusal = 'waiting-room-full'): void => {
    if (isKept) kept += 1;
    else refused.push({ reason, id: event.id });
  };
  const noteTwin = (twin: Arrival, standing: Event): void => {
    found.push(makeProof(standing, twin.event));
    hasTwins = forks.twins.put(twin, source) || hasTwins;
    refused.push({ reason: 'fork', id: twin.event.id });
  };

  const judge = async (arrival: Arrival): Promise<void> => {
    const { event } = arrival;
    const { lane, seq } = event.header;
    if (!plan.isAdmitted(event)) return keep(waiting.park(arrival), arrival);
    const standing = lanes.at(event.author, lane, seq)?.event;
    if (standing?.id === event.id) return void (known += 1);
    const proof = forks.proofAt(event.author, lane);
    if (proof && seq >= proof.seq) {
      // Where this lane ends is decided from the proof and the pins, never by who comes first.
      if (seq === proof.seq)
        for (const twin of [proof.first, proof.second]) if (twin.id !== event.id) found.push(makeProof(twin, event));
      hasTwins = true;
      return keep(forks.twins.put(arrival, source), arrival, 'frozen');
    }
    if (standing) return noteTwin(arrival, standing);
    const place = `${event.author} ${lane} ${seq}`;
    const planned = readyAt.get(place) ?? -1;
    const before = ready[planned];
    if (before) {
      if (before.event.id !== event.id) return noteTwin(arrival, before.event);
      ready[planned] = mergeArrivals(before, arrival);
      return void (known += 1);
    }
    if (seq !== plan.next(event)) {
      const orphan = waiting.addOrphan(arrival);
      if (orphan && orphan.event.id !== event.id) return noteTwin(arrival, orphan.event);
      return keep(orphan !== null, arrival);
    }
    readyAt.set(place, ready.push({ ...arrival }) - 1);
    for (const freed of await plan.add(arrival)) await judge(freed);
  };

  const verified = await Promise.all(incoming.map((each) => verify(deps, each)));
  for (const outcome of verified) {
    if ('reason' in outcome) refused.push(outcome);
    else if (outcome.held === null) await judge(outcome.arrival);
    else {
      known += 1;
      if (outcome.held === 'resigned') resigned.push(outcome.arrival.event);
    }
    if ('arrival' in outcome && outcome.hasWrongPayload)
      refused.push({ reason: 'payload-hash', id: outcome.arrival.event.id });
  }
  const apply = () => plan.apply(ready);
  return { ready, refused, known, waiting: kept, forks: found, resigned, hasTwins: hasTwins || kept > 0, apply };
};

/** What would be admitted and free to go once everything that is ready has been stored. */
const createPlan = ({ lanes, waiting, admissions, forks }: IntakeDeps) => {
  const nextByPlace = new Map<string, number>();
  const named = new Set<string>();
  const founders: string[] = [];
  return {
    isAdmitted: ({ author, header }: Event): boolean => {
      if (isGenesisHeader(header) && !admissions.isAdmitted(author)) {
        named.add(author);
        founders.push(author);
      }
      return named.has(author) || admissions.isAdmitted(author);
    },
    next: ({ author, header }: Event): number =>
      nextByPlace.get(`${author} ${header.lane}`) ?? lanes.next(author, header.lane),
    /** Counts an event as stored; what waited for it and may be judged now. */
    add: async (arrival: Arrival): Promise<readonly Arrival[]> => {
      const { author, header } = arrival.event;
      nextByPlace.set(`${author} ${header.lane}`, header.seq + 1);
      const orphan = waiting.orphanAt(author, header.lane, header.seq + 1);
      const naming = await forks.namings.read(arrival);
      const isNew = naming !== null && !named.has(naming.device) && !admissions.isAdmitted(naming.device);
      if (isNew) named.add(naming.device);
      return [...(isNew ? waiting.parkedOf(naming.device) : []), ...(orphan ? [orphan] : [])];
    },
    apply: async (ready: readonly Entry[]): Promise<void> => {
      for (const founder of founders) admissions.admitFounder(founder);
      for (const entry of ready) {
        const { author, header } = entry.event;
        waiting.removeOrphan(author, header.lane, header.seq);
        await admissions.learn(entry);
      }
      for (const device of named) waiting.takeParked(device);
    },
  };
};

type Verdict =
  | { readonly reason: IntakeRefusal; readonly id: string }
  | { readonly held: 'same' | 'resigned' | null; readonly arrival: Arrival; readonly hasWrongPayload: boolean };

const verify = async ({ crypto, community, lanes }: IntakeDeps, { envelope, payload }: Incoming): Promise<Verdict> => {
  const parsed = parseEventNow(envelope);
  if (!parsed.ok) return { reason: parsed.error, id: '' };
  const event = parsed.value;
  const isGenesis = isGenesisHeader(event.header);
  const named = isGenesis ? await communityOf(crypto, event) : event.header.community;
  if (!areBytesEqual(named, community)) return { reason: 'event-community', id: event.id };
  const held = lanes.byId(event.id);
  if (held && compareBytes(held.event.envelope, event.envelope) <= 0)
    return { held: 'same', arrival: { event: held.event, payload: held.payload }, hasWrongPayload: false };
  const sound = await verifyEvent(crypto, event);
  if (!sound.ok) return { reason: sound.error, id: event.id };
  const fits = payload !== null && (await fitsHeader(crypto, event, payload));
  return {
    held: held ? 'resigned' : null,
    arrival: { event: sound.value, payload: fits ? (payload.slice() as Bytes) : null },
    hasWrongPayload: payload !== null && !fits,
  };
};

/** A payload belongs to an event when size and hash are what its author signed. */
export const fitsHeader = async (crypto: CryptoPort, { header }: Event, payload: Uint8Array): Promise<boolean> =>
  payload.length === header.payloadSize && areBytesEqual(await crypto.sha256(payload), header.payloadHash);
