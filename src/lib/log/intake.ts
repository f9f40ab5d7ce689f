import { areBytesEqual } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Admissions } from './admissions.ts';
import { communityOf, isGenesisHeader, parseEventNow, verifyEvent, type Event, type EventRefusal } from './event.ts';
import type { Entry, Lanes } from './lanes.ts';
import type { Arrival, WaitingRoom } from './waiting-room.ts';

/** An envelope as it came from outside, with the payload that came along or null. */
export type Incoming = { readonly envelope: Uint8Array; readonly payload: Uint8Array | null };

export type IntakeRefusal = EventRefusal | 'fork' | 'payload-hash' | 'waiting-room-full';

/** What became of a batch: `ready` is in the order in which it may be stored, gapless from what the log holds. */
export type Intake = {
  readonly ready: readonly Entry[];
  readonly refused: readonly { readonly reason: IntakeRefusal; readonly id: string }[];
  readonly known: number;
  readonly waiting: number;
};

type IntakeDeps = {
  readonly crypto: CryptoPort;
  readonly community: Bytes;
  readonly lanes: Lanes;
  readonly waiting: WaitingRoom;
  readonly admissions: Admissions;
};

/**
 * The one choke point of the log (P2). Order of checks, cheapest first: size and canonical form, version and community,
 * already held, admitted author, key rule ED1, signature, next seq of its lane. None of them looks at role, clock,
 * budget, build or payload, so two nodes that are offered the same events store the same ones (P3).
 */
export const takeIn = async (deps: IntakeDeps, incoming: readonly Incoming[]): Promise<Intake> => {
  const { lanes, waiting, admissions } = deps;
  const refused: { reason: IntakeRefusal; id: string }[] = [];
  const ready: Entry[] = [];
  const plannedNext = new Map<string, number>();
  let known = 0;
  let kept = 0;
  const nextOf = ({ author, header }: Event) =>
    plannedNext.get(`${author} ${header.lane}`) ?? lanes.next(author, header.lane);

  const judge = async (arrival: Arrival): Promise<void> => {
    const { event } = arrival;
    if (isGenesisHeader(event.header)) admissions.admitFounder(event.author);
    if (!admissions.isAdmitted(event.author)) {
      if (waiting.park(arrival)) kept += 1;
      else refused.push({ reason: 'waiting-room-full', id: event.id });
      return;
    }
    const next = nextOf(event);
    if (event.header.seq < next) {
      const held =
        lanes.at(event.author, event.header.lane, event.header.seq) ??
        ready.find((entry) => isSamePlace(entry.event, event));
      if (held?.event.id === event.id) known += 1;
      else refused.push({ reason: 'fork', id: event.id });
      return;
    }
    if (event.header.seq > next) {
      if (waiting.addOrphan(arrival)) kept += 1;
      else refused.push({ reason: 'waiting-room-full', id: event.id });
      return;
    }
    await accept(arrival);
  };

  const accept = async ({ event, payload }: Arrival): Promise<void> => {
    const entry = { event, payload };
    ready.push(entry);
    plannedNext.set(`${event.author} ${event.header.lane}`, event.header.seq + 1);
    const author = await admissions.learn(entry);
    if (author !== null) for (const parked of waiting.takeParked(author)) await judge(parked);
    const orphan = waiting.takeOrphan(event.author, event.header.lane, event.header.seq + 1);
    if (orphan) await judge(orphan);
  };

  const verified = await Promise.all(incoming.map((each) => verify(deps, each)));
  for (const outcome of verified) {
    if ('reason' in outcome) refused.push(outcome);
    else if (outcome.isKnown) known += 1;
    else await judge(outcome.arrival);
    if ('arrival' in outcome && outcome.hasWrongPayload)
      refused.push({ reason: 'payload-hash', id: outcome.arrival.event.id });
  }
  return { ready, refused, known, waiting: kept };
};

type Verdict = { reason: IntakeRefusal; id: string } | { isKnown: boolean; arrival: Arrival; hasWrongPayload: boolean };

const verify = async ({ crypto, community, lanes }: IntakeDeps, { envelope, payload }: Incoming): Promise<Verdict> => {
  const parsed = parseEventNow(envelope);
  if (!parsed.ok) return { reason: parsed.error, id: '' };
  const event = parsed.value;
  const isGenesis = isGenesisHeader(event.header);
  const named = isGenesis ? await communityOf(crypto, event) : event.header.community;
  if (!areBytesEqual(named, community)) return { reason: 'event-community', id: event.id };
  const held = lanes.byId(event.id);
  if (held) return { isKnown: true, arrival: { event: held.event, payload: held.payload }, hasWrongPayload: false };
  const sound = await verifyEvent(crypto, event);
  if (!sound.ok) return { reason: sound.error, id: event.id };
  const fits = payload !== null && (await fitsHeader(crypto, event, payload));
  return {
    isKnown: false,
    arrival: { event: sound.value, payload: fits ? (payload.slice() as Bytes) : null },
    hasWrongPayload: payload !== null && !fits,
  };
};

/** A payload belongs to an event when size and hash are what its author signed. */
export const fitsHeader = async (crypto: CryptoPort, { header }: Event, payload: Uint8Array): Promise<boolean> =>
  payload.length === header.payloadSize && areBytesEqual(await crypto.sha256(payload), header.payloadHash);

const isSamePlace = (a: Event, b: Event): boolean =>
  a.author === b.author && a.header.lane === b.header.lane && a.header.seq === b.header.seq;
