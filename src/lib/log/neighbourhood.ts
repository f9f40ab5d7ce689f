import { communityKeyCheck, openCommunityKey } from '../crypto/community-key.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, DeviceKeys } from '../kernel/ports/crypto.ts';
import { limits } from '../kernel/limits.ts';
import { createSignal } from '../kernel/watch.ts';
import { authorityLane } from './event.ts';
import type { EventLog, Stored } from './event-log.ts';
import { createMembershipFold, type Epoch, type Membership } from './membership.ts';
import type { ReceiptBook } from './receipt-book.ts';
import { findSaid, foldNewest } from './room-newest.ts';
import { createRoomFold, type Room, type RoomMessage } from './room.ts';

export type NeighbourhoodDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly device: DeviceKeys;
  readonly log: EventLog;
  readonly receipts: ReceiptBook;
};

/**
 * Everything this device knows of one community: its log, and the views folded from it. Views are made when they are
 * asked for and thrown away when the log changes, so they can never say more than the log.
 */
export const createNeighbourhood = ({ crypto, clock, device, log, receipts }: NeighbourhoodDeps) => {
  const changed = createSignal();
  const roomFold = createRoomFold(log);
  /** Opened keys by the check of their epoch: an epoch's name alone may be used twice. */
  const keysByCheck = new Map<string, Bytes>();
  const foldAgain = createMembershipFold(log);
  const self = bytesToText(device.signing.publicKey);
  let membership: Membership | null = null;
  let room: Room | null = null;

  let cancelReading: (() => void) | null = null;
  let isRead = false;

  const roomNow = (): Room => {
    isRead = true;
    return (room ??= roomFold.fold(membershipNow(), clock.now()));
  };

  /** A stretch a turn, so that neither a call nor a message waits for all of it. */
  const readOn = (): void => {
    cancelReading = null;
    if (roomFold.readSome(limits.roomReadEvents)) return void (cancelReading = clock.after(0, readOn));
    isRead = true;
    changed.tell();
  };

  const membershipNow = (): Membership => (membership ??= foldAgain());

  /** Opens what has been sealed to this device and not been opened yet. */
  const openKeys = async (): Promise<void> => {
    const { epochs, sealedKeys } = membershipNow();
    for (const { device: recipient, epoch, sealedKey } of sealedKeys) {
      if (recipient !== self) continue;
      const unopened = epochs.filter((each) => each.epoch === epoch && keyOf(each) === null);
      if (unopened.length === 0) continue;
      const key = await openCommunityKey(crypto, device.agreement, sealedKey, log.community);
      const check = key && (await communityKeyCheck(crypto, key));
      if (key && check && unopened.some((each) => areBytesEqual(check, each.check)))
        keysByCheck.set(bytesToText(check), key);
    }
  };
  const keyOf = ({ check }: Epoch): Bytes | null => keysByCheck.get(bytesToText(check)) ?? null;

  /** Epochs whose key this device can open, the current one first. */
  const openEpochs = (): { epoch: Epoch; key: Bytes }[] =>
    membershipNow()
      .epochs.toReversed()
      .flatMap((epoch) => {
        const key = keyOf(epoch);
        return key ? [{ epoch, key }] : [];
      });

  const onStored = ({ entries, isRebuilt }: Stored): void => {
    room = null;
    if (isRebuilt) roomFold.restart();
    else roomFold.note(entries);
    if (!isRebuilt && !entries.some(({ event }) => event.header.lane === authorityLane)) return changed.tell();
    judgeAgain();
  };
  const judgeAgain = (): void => {
    room = null;
    membership = null;
    void openKeys().then(changed.tell);
  };
  const stopListening = log.onStored(onStored);
  const stopJudging = log.onJudged(judgeAgain);
  const stopPreview = log.onPreview(changed.tell);

  return {
    id: bytesToText(log.community),
    log,
    receipts,
    membership: membershipNow,
    room: roomNow,
    /** The last messages of the room, without folding all of it while it has not been read; with those of the preview. */
    newest: (most: number): readonly RoomMessage[] => {
      const preview = log.preview();
      if (!isRead || preview.length > 0) return foldNewest(log, membershipNow(), most, clock.now(), preview);
      roomNow();
      return roomFold.newest(most);
    },
    /** The message with this event id in the room as `room` last gave it, or null. */
    findMessage: roomFold.find,
    /** The event in which a device has said something under a clientId; null when there is none. */
    findSaid: (deviceId: string, clientId: string) => findSaid(log, deviceId, clientId),
    /** Events outside of the authority lane: there are no more messages than that. */
    saidAtMost: () => log.heads().reduce((total, { lane, next }) => (lane === authorityLane ? total : total + next), 0),
    /** True when `room` costs no more than what came since the last time. */
    isRoomRead: () => isRead,
    /** Reads the room behind the first screen; `onChange` tells when it has been read. */
    readRoom: () => {
      if (!isRead && !cancelReading) cancelReading = clock.after(0, readOn);
    },
    openKeys,
    /** The newest epoch key we can open, with its epoch; null before admission. */
    currentKey: (): { epoch: string; key: Bytes } | null => {
      const [current] = openEpochs();
      return current ? { epoch: current.epoch.epoch, key: current.key } : null;
    },
    /** Whoever is in meets the others; so does who has left, until they have heard it. */
    mayMeet: (): boolean => {
      const person = membershipNow().personOf(self);
      return membershipNow().isMember(self) || (person !== null && membershipNow().barOf(self, person) === 'left');
    },
    /** The keys by which neighbours are met: of the current epoch and a few older ones, for whoever has not heard of the newest. */
    meetingKeys: (): Bytes[] =>
      openEpochs()
        .slice(0, 1 + limits.olderEpochsMax)
        .map(({ key }) => key),
    onChange: changed.on,
    /** A receipt came: the log is the same, what is shown of it is not. */
    noteReceipt: changed.tell,
    /** Time has come for something that was shown: views are made anew though the log is the same. */
    noteTime: () => {
      room = null;
      changed.tell();
    },
    close: () => {
      cancelReading?.();
      stopListening();
      stopJudging();
      stopPreview();
    },
  };
};
export type Neighbourhood = ReturnType<typeof createNeighbourhood>;
