import { hlcFromMs } from '../kernel/hlc.ts';
import type { VoidReason } from './effect.ts';
import type { EventLog } from './event-log.ts';
import type { Membership } from './membership.ts';
import { compareRows, type RemovalRow, type RoomRow } from './room-rows.ts';

/** What the rules of the room ask of the membership and of the log. */
export type RoomPeople = Pick<Membership, 'roleOf' | 'personOf' | 'cutOf'>;
export type RoomFreezes = Pick<EventLog, 'frozenSince' | 'isBelowPin' | 'isCollided'>;
export type RoomLog = Pick<EventLog, 'heads' | 'slice' | 'byId'> & RoomFreezes;

/** Asks a membership, which never changes, only once about each device and place: a fold of a long room asks for every row. */
export const rememberPeople = (people: RoomPeople): RoomPeople => ({
  roleOf: remember(people.roleOf),
  personOf: remember(people.personOf),
  cutOf: (() => {
    const byLane = new Map<number, (device: string) => number | null>();
    return (device: string, lane: number): number | null => {
      const ofLane = byLane.get(lane) ?? remember((each) => people.cutOf(each, lane));
      byLane.set(lane, ofLane);
      return ofLane(device);
    };
  })(),
});

const remember = <T>(ask: (device: string) => T): ((device: string) => T) => {
  const answers = new Map<string, T>();
  return (device) => {
    const known = answers.get(device);
    if (known !== undefined || answers.has(device)) return known as T;
    const answer = ask(device);
    answers.set(device, answer);
    return answer;
  };
};

/** Why nothing of this author counts at this place, or null. What somebody wrote before they were removed goes on counting. */
export const authorVoid = (
  row: Pick<RoomRow, 'device' | 'lane' | 'seq' | 'atMs' | 'counter'>,
  people: RoomPeople,
  log: RoomFreezes,
): VoidReason | null => {
  const { device, lane, seq } = row;
  if (people.personOf(device) === null) return 'author-not-member';
  if (log.isCollided(device, lane)) return 'client-collision';
  const cut = people.cutOf(device, lane);
  if (cut !== null && seq >= cut) return 'removed';
  const frozen = log.frozenSince(device);
  if (frozen !== null && hlcOf(row) >= frozen && !log.isBelowPin(device, lane, seq)) return 'frozen';
  if (cut === null && frozen === null && people.roleOf(device) === null) return 'author-not-member';
  return null;
};

const hlcOf = ({ atMs, counter }: Pick<RoomRow, 'atMs' | 'counter'>): number => hlcFromMs(atMs, counter);

/** One may take back what one has said oneself, from whichever device; trusted people also what others have said. */
export const mayRemove = (removal: RemovalRow, targetDevice: string, people: RoomPeople): boolean => {
  const person = people.personOf(removal.device);
  if (person !== null && person === people.personOf(targetDevice)) return true;
  const role = people.roleOf(removal.device);
  return role === 'trusted' || role === 'anchor';
};

/** Who removed what a device has said: the first of those who may, in view order; null while nobody has. */
export const removerOf = (
  removals: readonly RemovalRow[],
  targetDevice: string,
  people: RoomPeople,
  log: RoomFreezes,
): string | null => {
  if (removals.length === 0) return null;
  const effective = removals.filter(
    (removal) => authorVoid(removal, people, log) === null && mayRemove(removal, targetDevice, people),
  );
  return effective.toSorted(compareRows)[0]?.device ?? null;
};
