import type { Message } from '../contracts/chat.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Membership } from '../log/membership.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { RoomMessage } from '../log/room.ts';

export type ChatViewDeps = {
  readonly clock: Pick<Clock, 'now'>;
  readonly current: () => Neighbourhood | null;
  readonly selfDevice: () => string;
  /** How many events are here of all that neighbours hold; null while nothing is being fetched. */
  readonly fetching: () => { readonly held: number; readonly known: number } | null;
  /** True when a relay keeps this event of this device for whoever is away; nobody does when left out. */
  readonly isKeptForAway?: (lane: number, seq: number) => boolean;
};

export type History = {
  messages: Message[];
  total: number;
  fetching: { held: number; known: number } | null;
};

/** What the screen gets to see of the room: names, ticks, and who may do what. */
export const createChatView = ({ clock, current, selfDevice, fetching, isKeptForAway }: ChatViewDeps) => {
  /** The newest messages first of all; the rest of the room is read behind them. */
  const history = (limit: number): History => {
    const here = current();
    if (!here) return { messages: [], total: 0, fetching: null };
    const membership = here.membership();
    const messages = here.newest(Math.max(1, limit)).map((message) => show(here, membership, message));
    if (!here.isRoomRead()) here.readRoom();
    const total = here.isRoomRead() ? here.room().count : Math.max(messages.length, here.saidAtMost());
    const progress = fetching();
    return { messages, total, fetching: progress && { held: progress.held, known: progress.known } };
  };

  const show = (here: Neighbourhood, membership: Membership, message: RoomMessage): Message => {
    const person = membership.personOf(message.device) ?? message.device;
    return {
      eventId: message.eventId,
      device: message.device,
      person,
      name: nameOf(membership, person),
      text: message.text,
      at: message.atMs,
      isOwn: message.device === selfDevice(),
      clientId: message.clientId,
      removed: removalOf(membership, message.removedBy),
      canRemove: message.removedBy === null && canRemove(membership, message.device),
      isTimeUnclear: message.atMs > clock.now() + limits.messageFutureMs,
      ...stateOf(here, message),
    };
  };

  const removalOf = (membership: Membership, removedBy: string | null): Message['removed'] => {
    if (removedBy === null) return null;
    const person = membership.personOf(removedBy) ?? removedBy;
    return { person, name: nameOf(membership, person), isSelf: person === membership.personOf(selfDevice()) };
  };

  /** The rule of the room, for who asks before they act: one's own words, and for trusted people anybody's. */
  const canRemove = (membership: Membership, device: string): boolean => {
    const role = membership.roleOf(selfDevice());
    if (role === null) return false;
    return role !== 'member' || membership.personOf(device) === membership.personOf(selfDevice());
  };

  /**
   * "With N of M neighbours": other members one of whose devices has signed that it holds the message. With none, handed on means
   * that a server keeps it for them.
   */
  const stateOf = (
    here: Neighbourhood,
    { device, lane, seq }: Pick<RoomMessage, 'device' | 'lane' | 'seq'>,
  ): Pick<Message, 'state' | 'heldBy' | 'heldOf'> => {
    const membership = here.membership();
    const author = membership.personOf(device);
    // Whoever has gone may still hold it, and is no neighbour any more.
    const others = new Set([...membership.members.keys()].filter((person) => person !== author));
    const holders = new Set(
      here.receipts
        .holders(device, lane, seq)
        .map((holder) => membership.personOf(holder) ?? '')
        .filter((person) => others.has(person)),
    );
    const isAtServer = device === selfDevice() && (isKeptForAway?.(lane, seq) ?? false);
    return {
      state: holders.size > 0 || isAtServer ? 'handedOn' : 'waiting',
      heldBy: holders.size,
      heldOf: others.size,
    };
  };

  return { history, stateOf, canRemove };
};

/** Also of somebody who has left; empty for who was never in. */
const nameOf = (membership: Membership, person: string): string => membership.nameOf(person) ?? '';
