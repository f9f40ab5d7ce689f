import { communityKeyCheck, openCommunityKey } from '../crypto/community-key.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { Bytes, CryptoPort, DeviceKeys } from '../kernel/ports/crypto.ts';
import { createSignal } from '../kernel/watch.ts';
import { authorityLane } from './event.ts';
import type { EventLog, Stored } from './event-log.ts';
import { foldMembership, type Membership, type SealedKey } from './membership.ts';
import type { ReceiptBook } from './receipt-book.ts';
import { foldNewest } from './room-newest.ts';
import { createRoomFold, type Room } from './room.ts';

/**
 * Everything this device knows of one community: its log, and the views folded from it. Views are made when they are
 * asked for and thrown away when the log changes, so they can never say more than the log.
 */
export const createNeighbourhood = (deps: {
  crypto: CryptoPort;
  device: DeviceKeys;
  log: EventLog;
  receipts: ReceiptBook;
}) => {
  const { crypto, device, log, receipts } = deps;
  const changed = createSignal();
  const roomFold = createRoomFold(log);
  const keysByEpoch = new Map<string, Bytes>();
  const self = bytesToText(device.signing.publicKey);
  let membership: Membership | null = null;
  let room: Room | null = null;

  const membershipNow = (): Membership => (membership ??= foldMembership(log));

  const ownSealedKeys = (): SealedKey[] => membershipNow().sealedKeys.filter((sealed) => sealed.device === self);

  /** Opens what has been sealed to this device and not been opened yet. */
  const openKeys = async (): Promise<void> => {
    for (const { epoch, sealedKey } of ownSealedKeys()) {
      const named = membershipNow().epochs.find((each) => each.epoch === epoch);
      if (!named || keysByEpoch.has(epoch)) continue;
      const key = await openCommunityKey(crypto, device.agreement, sealedKey, log.community);
      if (key && areBytesEqual(await communityKeyCheck(crypto, key), named.check)) keysByEpoch.set(epoch, key);
    }
  };

  const onStored = ({ entries }: Stored): void => {
    room = null;
    roomFold.note(entries);
    if (!entries.some(({ event }) => event.header.lane === authorityLane)) return changed.tell();
    membership = null;
    void openKeys().then(changed.tell);
  };
  const stopListening = log.onStored(onStored);

  return {
    id: bytesToText(log.community),
    log,
    receipts,
    membership: membershipNow,
    room: () => (room ??= roomFold.fold(membershipNow())),
    /** The last messages of the room without folding all of it, for the first screen after a start. */
    newest: (most: number) => (room ? room.messages.slice(-most) : foldNewest(log, membershipNow(), most)),
    openKeys,
    /** The newest epoch key we can open, with its epoch; null before admission. */
    currentKey: (): { epoch: string; key: Bytes } | null => {
      for (const { epoch } of membershipNow().epochs.toReversed()) {
        const key = keysByEpoch.get(epoch);
        if (key) return { epoch, key };
      }
      return null;
    },
    onChange: changed.on,
    /** A receipt came: the log is the same, what is shown of it is not. */
    noteReceipt: changed.tell,
    close: stopListening,
  };
};
export type Neighbourhood = ReturnType<typeof createNeighbourhood>;
