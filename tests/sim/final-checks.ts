import { isDeepStrictEqual } from 'node:util';
import * as Y from 'yjs';
import { chatHistory } from '../../src/lib/contracts/chat.ts';
import type { CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';
import { areBytesEqual, bytesToText } from '../../src/lib/kernel/ids.ts';
import { parseEvent, verifyEvent } from '../../src/lib/log/event.ts';
import { fitsHeader } from '../../src/lib/log/intake.ts';
import type { Neighbourhood } from '../../src/lib/log/neighbourhood.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { encodeRuns, rootName, type Run } from '../../src/lib/replica/canonical.ts';
import { forgedText } from './adversary.ts';
import type { SimDevice } from './device.ts';
import type { Upheavals } from './upheavals.ts';
import type { World } from './world.ts';

/** What somebody tried to say, and what came of it as far as that person was told. */
export type Said = {
  readonly who: SimDevice;
  readonly text: string;
  readonly clientId: string;
  readonly saidAt: number;
  outcome: 'acknowledged' | 'refused' | 'lost';
  eventId: string;
};

const hereOf = (device: SimDevice): Neighbourhood => {
  const here = device.node()?.current();
  if (!here) throw new Error(`${device.name} is not in the neighbourhood`);
  return here;
};

const headsOf = (here: Neighbourhood): string[] =>
  here.log
    .heads()
    .map(({ author, lane, next, digest }) => `${author} ${lane} ${next} ${bytesToText(digest)}`)
    .toSorted();

/** Persons one of whose devices has signed that it holds something, as one node counts. */
const holdingPersons = (here: Neighbourhood, device: string, lane: number, seq: number): number => {
  const membership = here.membership();
  const persons = new Set(here.receipts.holders(device, lane, seq).map((holder) => membership.personOf(holder)));
  persons.delete(membership.personOf(device));
  return [...persons].filter((person) => person !== null && membership.members.has(person)).length;
};

/** Why the street is not quiet yet; null when everybody holds the same and every author's tick is full. */
export const unrest = (members: readonly SimDevice[], isShaken: (device: SimDevice) => boolean): string | null => {
  const [first] = members;
  if (!first) return 'nobody is there';
  for (const member of members) if (!member.node()?.current()) return `${member.name} is down`;
  const heads = headsOf(hereOf(first));
  for (const member of members) {
    const here = hereOf(member);
    if (here.membership().roleOf(member.id) === null) return `${member.name} is not back with its new key`;
    if (!isDeepStrictEqual(headsOf(here), heads)) return `${member.name} has other heads than ${first.name}`;
    if (!isDeepStrictEqual(forksOf(here), forksOf(hereOf(first)))) return `${member.name} knows other forks`;
    if (lacksPayload(here, members, isShaken)) return `${member.name} lacks a payload`;
    // A tick is its author's affair: what third ones hold, the others hear of when it is convenient.
    for (const { device, lane, seq } of here.room().messages.filter((message) => message.device === member.id)) {
      const holders = holdingPersons(here, device, lane, seq);
      if (holders < members.filter((other) => !isShaken(other) && other !== member).length)
        return `${member.name} knows of ${holders} holders of a message, there are ${members.length - 1}`;
    }
  }
  return null;
};

/** What only a device held that went back in time, or is out, may never come. */
const lacksPayload = (
  { log }: Neighbourhood,
  members: readonly SimDevice[],
  isShaken: (device: SimDevice) => boolean,
): boolean => {
  const steady = new Set(members.filter((member) => !isShaken(member)).flatMap(({ ids }) => [...ids]));
  return log.missingPayloads(1_000).some((id) => steady.has(log.byId(id)?.event.author ?? ''));
};

const forksOf = ({ log }: Neighbourhood): string[] =>
  log
    .forks()
    .map(({ device, lane, seq, standsUpTo }) => `${device} ${lane} ${seq} ${standsUpTo}`)
    .toSorted();

/** P1, P2, P3 and "nothing acknowledged is lost", when all is quiet. Returns what is wrong, in sentences. */
export const checkEverything = async (
  world: World,
  run: { readonly members: readonly SimDevice[]; readonly said: readonly Said[]; readonly upheavals: Upheavals },
): Promise<string[]> => {
  const { said, upheavals } = run;
  const members = upheavals.staying();
  const wrong: string[] = [];
  const [first] = members;
  if (!first) return ['nobody is there'];
  wrong.push(
    ...checkDisks(members, upheavals.isShaken),
    ...(await checkDocuments(members)),
    ...checkFolds(members),
    ...checkSaid(members, said, upheavals.isShaken),
    ...checkRemoved(run),
  );
  for (const member of members) {
    const { orphans, parked } = hereOf(member).log.waitingCounts();
    const mayWait = upheavals.isAnybodyShaken() || world.devices.some(({ name }) => name === 'zed');
    if (orphans > 0 && !upheavals.isAnybodyShaken()) wrong.push(`${member.name} still has ${orphans} orphans`);
    if (parked > 0 && !mayWait) wrong.push(`${member.name} still has ${parked} parked events`);
    for (const [reason, count] of member.node()?.refusals() ?? []) {
      world.trace.note(`${member.name} refused ${reason} ${count}`);
      if (reason.startsWith('bug')) wrong.push(`${member.name} met a bug: ${reason}`);
    }
    const shown = await world.drive(
      world.until(member, chatHistory, { thread: 'everyone', limit: 100_000 }, () => true),
      1_000,
    );
    const { members: people } = hereOf(member).membership();
    for (const { heldBy, heldOf, text, person } of shown.messages) {
      const others = people.size - (people.has(person) ? 1 : 0);
      if (heldOf !== others || heldBy > heldOf)
        wrong.push(`${member.name} shows "With ${heldBy} of ${heldOf}" at "${text.slice(0, 20)}"`);
    }
    if (shown.total !== hereOf(member).room().messages.length)
      wrong.push(`${member.name} shows ${shown.total} messages`);
  }
  for (const head of headsOf(hereOf(first))) world.trace.note(head);
  return wrong;
};

/** Once everybody knows that somebody is out, nothing said from then on lies on that disk. */
const checkRemoved = ({
  said,
  upheavals,
}: {
  readonly said: readonly Said[];
  readonly upheavals: Upheavals;
}): string[] =>
  [...upheavals.removedAt()].flatMap(([device, at]) => {
    const held = new Set([...device.disk.events.values()].map(({ id }) => id));
    return said
      .filter(({ who, saidAt, eventId }) => who !== device && saidAt > at && held.has(eventId))
      .map(({ text }) => `${device.name} is out and has read "${text.slice(0, 12)}" later`);
  });

/** What stands on a disk is what its author's own disk holds: nobody can have been made to store anything else. */
const checkDisks = (members: readonly SimDevice[], isShaken: (device: SimDevice) => boolean): string[] => {
  const wrong: string[] = [];
  const steady = members.filter((member) => !isShaken(member));
  const disksById = new Map(steady.map(({ id, disk }) => [id, disk]));
  for (const { name, disk } of members) {
    for (const [place, { author, id }] of disk.events) {
      const own = disksById.get(author);
      if (own && own.events.get(place)?.id !== id)
        wrong.push(`${name} stores an event at ${place} that its author does not`);
    }
    for (const [id, payload] of disk.payloads) {
      const author = [...disk.events.values()].find((event) => event.id === id)?.author ?? '';
      const own = disksById.get(author);
      if (own && own !== disk && !areBytesEqual(own.payloads.get(id) ?? new Uint8Array(0), payload))
        wrong.push(`${name} stores a payload of ${id} that its author does not`);
    }
  }
  return wrong;
};

const checkDocuments = async (members: readonly SimDevice[]): Promise<string[]> => {
  const wrong: string[] = [];
  const [first, ...others] = members;
  if (!first) return wrong;
  const updates = updatesByLane(hereOf(first));
  for (const other of others) {
    for (const [lane, { update }] of updatesByLane(hereOf(other))) {
      if (!areBytesEqual(update, updates.get(lane)?.update ?? new Uint8Array(0)))
        wrong.push(`${other.name}'s document of lane ${lane} has other bytes than ${first.name}'s`);
    }
  }
  for (const [lane, { update, runs }] of updates) {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, update);
    for (const { author, envelopes } of runs) {
      const shown = doc.getArray<Uint8Array>(rootName(author)).toArray();
      const isSame =
        shown.length === envelopes.length &&
        shown.every((bytes, at) => areBytesEqual(bytes, envelopes[at] ?? new Uint8Array(0)));
      if (!isSame) wrong.push(`a Y.Doc fed with lane ${lane} shows other envelopes for ${author.slice(0, 8)}`);
    }
    doc.destroy();
  }
  return wrong;
};

const updatesByLane = ({ log }: Neighbourhood): Map<number, { update: Uint8Array; runs: Run[] }> => {
  const runsByLane = new Map<number, Run[]>();
  for (const { author, lane, next } of log.heads()) {
    const envelopes = log.slice(author, lane, 0, next).map(({ event }) => event.envelope);
    runsByLane.set(lane, [
      ...(runsByLane.get(lane) ?? []),
      { author, client: clientOf(author, lane), start: 0, envelopes },
    ]);
  }
  return new Map([...runsByLane].map(([lane, runs]) => [lane, { update: encodeRuns(runs), runs }]));
};

const checkFolds = (members: readonly SimDevice[]): string[] => {
  const wrong: string[] = [];
  const [first, ...others] = members;
  if (!first) return wrong;
  const views = viewsOf(first);
  // Whose device is frozen is still a member, and comes back with another one when they can.
  if (views.forks.length === 0 && views.members.length !== members.length)
    wrong.push(`${first.name} sees ${views.members.length} members`);
  for (const other of others) {
    const theirs = viewsOf(other);
    for (const [view, value] of Object.entries(views)) {
      if (!isDeepStrictEqual(value, theirs[view as keyof typeof theirs]))
        wrong.push(`${other.name}'s ${view} differ from ${first.name}'s`);
    }
  }
  return wrong;
};

const viewsOf = (device: SimDevice) => {
  const here = hereOf(device);
  const { communityName, members, usedInvites, epochs, sealedKeys, voidById, authorityHeads } = here.membership();
  const room = here.room();
  return {
    communityName,
    members: [...members.entries()],
    usedInvites: [...usedInvites].toSorted(),
    epochs,
    sealedKeys,
    voids: [...voidById].toSorted(),
    authorityHeads,
    forks: forksOf(here),
    messages: room.messages,
    roomVoids: [...room.voidById].toSorted(),
  };
};

const checkSaid = (
  members: readonly SimDevice[],
  said: readonly Said[],
  isShaken: (device: SimDevice) => boolean,
): string[] => {
  const wrong: string[] = [];
  for (const member of members) {
    const countByText = new Map<string, number>();
    if (
      hereOf(member)
        .room()
        .messages.some(({ text }) => text === forgedText)
    )
      wrong.push(`${member.name}'s room shows what mallory forged`);
    for (const { text, eventId } of hereOf(member).room().messages) {
      countByText.set(text, (countByText.get(text) ?? 0) + 1);
      countByText.set(eventId, 1);
    }
    for (const { who, text, outcome, eventId } of said) {
      const count = countByText.get(text) ?? 0;
      const words = `what ${who.name} said (${text.slice(0, 12)})`;
      if (isShaken(who) && count > 1) wrong.push(`${words} is in ${member.name}'s room ${count} times`);
      if (isShaken(who)) continue;
      if (outcome === 'acknowledged' && (count !== 1 || !countByText.has(eventId)))
        wrong.push(`${words} was acknowledged and is in ${member.name}'s room ${count} times`);
      if (outcome === 'refused' && count !== 0)
        wrong.push(`${words} was refused and is in ${member.name}'s room ${count} times`);
      if (outcome === 'lost' && count > 1) wrong.push(`${words} is in ${member.name}'s room ${count} times`);
    }
  }
  return wrong;
};

/** Every signature of every stored event, once more, by nothing that remembers. */
export const checkSignatures = async (members: readonly SimDevice[], crypto: CryptoPort): Promise<string[]> => {
  const wrong: string[] = [];
  for (const { name, disk } of members) {
    for (const { envelope, id } of disk.events.values()) {
      const parsed = await parseEvent(crypto, envelope);
      if (!parsed.ok || parsed.value.id !== id || !(await verifyEvent(crypto, parsed.value)).ok) {
        wrong.push(`${name} stores ${id}, which does not verify`);
        continue;
      }
      const payload = disk.payloads.get(id);
      if (payload && !(await fitsHeader(crypto, parsed.value, payload)))
        wrong.push(`${name} stores a payload of ${id} that does not fit`);
    }
  }
  return wrong;
};
