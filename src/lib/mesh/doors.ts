import { encodeInvite, inviteKeys, parseInvite, type Invite, type InviteRefusal } from '../crypto/invite.ts';
import { sasEmoji } from '../crypto/sas.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Result } from '../kernel/result.ts';
import { createSignal } from '../kernel/watch.ts';
import type { Guest, Neighbours } from './neighbours.ts';

/** Somebody who stands at the door of this device with one of its invites. */
export type AtTheDoor = {
  readonly guest: Guest;
  readonly emoji: readonly string[];
  readonly inviteHash: Bytes;
  readonly since: number;
  /** Came with a link code: says to be a further device of this person. */
  readonly isForDevice: boolean;
};

export type DoorsDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly neighbours: Neighbours;
  /** Tells the other side why, then ends the link. */
  readonly turnAway: (guest: Guest, reason: 'invite-used' | 'invite-expired' | 'invite-refused' | 'busy') => void;
};

/** First contact: invites of ours that somebody may knock with, and our own knocking with an invite of somebody else's. */
export const createDoors = ({ crypto, clock, random, neighbours, turnAway }: DoorsDeps) => {
  const waitingByDevice = new Map<string, AtTheDoor>();
  const changed = createSignal();
  let ownEmoji: readonly string[] = [];

  neighbours.onGuestGone((guest) => {
    const device = guest.link.peer.device;
    if (waitingByDevice.get(device)?.guest === guest && waitingByDevice.delete(device)) changed.tell();
  });

  const answer = async (invite: Invite, hash: Bytes, isUsed: () => boolean, guest: Guest): Promise<void> => {
    if (isUsed()) return turnAway(guest, 'invite-used');
    if (invite.expires * 1000 + hlcEpochMs <= clock.now()) return turnAway(guest, 'invite-expired');
    if (waitingByDevice.size >= limits.admissionsWaitingMax) return turnAway(guest, 'busy');
    const emoji = await sasEmoji(crypto, guest.transcript);
    if (!guest.link.isOpen) return;
    waitingByDevice.get(guest.link.peer.device)?.guest.link.close('replaced');
    waitingByDevice.set(guest.link.peer.device, {
      guest,
      emoji,
      inviteHash: hash,
      since: clock.now(),
      isForDevice: invite.isForDevice === true,
    });
    changed.tell();
  };

  return {
    makeInvite: (fields: Omit<Invite, 'secret'>): { invite: Invite; code: string } => {
      const invite = { ...fields, secret: random.bytes(16) };
      return { invite, code: encodeInvite(invite) };
    },
    readInvite: (text: string): Result<Invite, InviteRefusal> =>
      parseInvite(text, Math.floor((clock.now() - hlcEpochMs) / 1000)),
    hashOf: async (invite: Invite): Promise<Bytes> => (await inviteKeys(crypto, invite.secret)).hash,
    /** Opens the door for one invite; stays there after it was used, to say so. The returned function closes it. */
    open: async (invite: Invite, isUsed: () => boolean): Promise<() => void> => {
      const { tag, meetingKey, psk, hash } = await inviteKeys(crypto, invite.secret);
      return neighbours.meetGuests({ tag, key: meetingKey, psk }, (guest) => void answer(invite, hash, isUsed, guest));
    },
    /** Knocks until stopped. `onInside` is told when the inviter's own device answers. */
    knock: async (invite: Invite, onInside: (inviter: Guest) => void): Promise<() => void> => {
      const { tag, meetingKey, psk } = await inviteKeys(crypto, invite.secret);
      return neighbours.meetInviter({ tag, key: meetingKey, psk }, bytesToText(invite.inviter), (inviter) => {
        void sasEmoji(crypto, inviter.transcript).then((emoji) => {
          ownEmoji = emoji;
          onInside(inviter);
          changed.tell();
        });
      });
    },
    waiting: (): readonly AtTheDoor[] => [...waitingByDevice.values()],
    ownEmoji: (): readonly string[] => ownEmoji,
    forgetEmoji: (): void => {
      ownEmoji = [];
      changed.tell();
    },
    /** Takes somebody from the door, to let them in or turn them away. */
    take: (device: string): AtTheDoor | null => {
      const found = waitingByDevice.get(device) ?? null;
      if (waitingByDevice.delete(device)) changed.tell();
      return found;
    },
    turnAway,
    onChange: changed.on,
  };
};
export type Doors = ReturnType<typeof createDoors>;
