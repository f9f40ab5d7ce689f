import { inviteCode, type Invite } from '../crypto/invite.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToHex, bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { createSignal } from '../kernel/watch.ts';
import { createActs } from '../log/acts.ts';
import { makeGenesis } from '../log/genesis.ts';
import type { Doors } from '../mesh/doors.ts';
import type { Neighbours } from '../mesh/neighbours.ts';
import type { ActOutcome, CommunityActs } from '../services/community.ts';
import type { Device } from './device.ts';
import type { Linking } from './linking.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';
import type { Settings } from './settings.ts';

export type EntryDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly device: () => Device;
  readonly holder: NeighbourhoodHolder;
  readonly neighbours: Neighbours;
  readonly doors: Doors;
  readonly linking: Linking;
  readonly settings: Settings;
  /** Takes a meeting server's address from an invite; told only when it differs from ours. */
  readonly useSignalUrl: (url: string) => Promise<void>;
};

type Refused = { readonly refused: string };

/**
 * How this device gets into a neighbourhood and lets others in. What it has begun is stored before it acts, so that a tab that
 * dies half-way goes on where it stopped: a founder without a genesis starts anew, one without a key writes it, a guest knocks again.
 */
export const createEntry = (deps: EntryDeps) => {
  const { crypto, clock, random, holder, neighbours, doors, linking, settings } = deps;
  const changed = createSignal();
  const closeByCode = new Map<string, () => void>();
  const spent = new Set<string>();
  let stopKnock: () => void = () => {};
  let pendingReason = '';

  const self = () => deps.device().device;
  const isMember = (): boolean => holder.current()?.membership().roleOf(self()) != null;
  const acts = () => createActs({ crypto, random, device: deps.device().keys });

  const found: CommunityActs['found'] = async ({ name, communityName }): Promise<ActOutcome> => {
    if (isMember()) return { refused: 'already-member' };
    await cancelJoin();
    const { keys, certificate } = deps.device();
    const made = await makeGenesis(
      { crypto, clock, random, signing: keys.signing },
      { name: communityName, personName: name, certificate },
    );
    const community = bytesToText(made.community);
    const begun = await settings.save({ name, community: { id: community } });
    if (!begun) return { refused: 'quota-full' };
    const opened = await holder.open(made.community);
    const stored = await opened.log.receive([made.genesis], 'founding', 'strict');
    if (!stored.ok) return { refused: stored.error };
    const keyed = await acts().writeFirstKey(opened);
    return keyed.ok ? { community } : { refused: keyed.error };
  };

  const join: CommunityActs['join'] = async ({ invite: text, name }): Promise<ActOutcome> => {
    const invite = doors.readInvite(text);
    if (!invite.ok) return { refused: invite.error };
    if (invite.value.isForDevice) return { refused: 'invite-for-device' };
    return enter(invite.value, inviteCode(text), name);
  };

  /** With a link code: as a further device of the person whose device made it. */
  const link = async (text: string): Promise<ActOutcome> => {
    const invite = doors.readInvite(text);
    if (!invite.ok) return { refused: invite.error };
    if (!invite.value.isForDevice) return { refused: 'invite-for-person' };
    return enter(invite.value, inviteCode(text), settings.current().name);
  };

  const enter = async (invite: Invite, code: string, name: string): Promise<ActOutcome> => {
    if (isMember() || bytesToText(invite.inviter) === self()) return { refused: 'already-member' };
    await cancelJoin();
    const community = bytesToText(invite.community);
    if (!(await settings.save({ name, community: { id: community, invite: code } }))) return { refused: 'quota-full' };
    if (invite.hint) await deps.useSignalUrl(invite.hint);
    await holder.open(invite.community);
    await knock(code);
    return { community };
  };

  /** Knocks with the stored invite for as long as it is good; every answer is told in `pendingReason`. */
  const knock = async (code: string): Promise<void> => {
    stopKnock();
    const invite = doors.readInvite(code);
    pendingReason = invite.ok ? '' : invite.error;
    changed.tell();
    if (!invite.ok) return;
    stopKnock = await doors.knock(invite.value, (inviter) => {
      pendingReason = '';
      if (invite.value.isForDevice) void linking.ask(inviter);
      neighbours.admit(inviter.link);
      changed.tell();
    });
  };

  const cancelJoin = async (): Promise<void> => {
    stopKnock();
    stopKnock = () => {};
    pendingReason = '';
    if (!settings.current().community?.invite) return;
    for (const link of neighbours.links.all()) link.close('join-cancelled');
    holder.close();
    doors.forgetEmoji();
    await settings.save({ community: null });
    changed.tell();
  };

  neighbours.links.onDown((_link, reason) => {
    if (!settings.current().community?.invite || isMember() || !reason.startsWith('bye:')) return;
    pendingReason = reason.slice('bye:'.length);
    if (pendingReason !== 'busy') stopKnock();
    doors.forgetEmoji();
    changed.tell();
  });

  /** The fold says that we are in: the invite has done its work. */
  const noteAdmission = async (): Promise<void> => {
    const { community } = settings.current();
    if (!isMember()) return noteRemoval();
    await linking.takeIdentity();
    if (!community?.invite) return;
    stopKnock();
    stopKnock = () => {};
    pendingReason = '';
    doors.forgetEmoji();
    await settings.save({ community: { id: community.id } });
    changed.tell();
  };
  /** The fold knows this device and it is out: it stops at once, and `node.info` says so. */
  const noteRemoval = (): void => {
    const wasIn = holder.current()?.membership().personOf(self()) != null;
    if (!wasIn || settings.current().community?.invite) return;
    for (const code of [...closeByCode.keys()]) closeDoor(code);
    // Who leaves says so first: the event needs a moment on the wire.
    clock.after(1_000, () => {
      for (const link of neighbours.links.all()) link.close('removed');
    });
  };
  holder.onChange(() => void noteAdmission());

  const isUsed = (hash: Uint8Array) => (): boolean =>
    spent.has(bytesToHex(hash)) ||
    (holder
      .current()
      ?.membership()
      .usedInvites.has(`${self()} ${bytesToHex(hash)}`) ??
      false);

  const openDoor = async (code: string): Promise<void> => {
    const invite = doors.readInvite(code);
    if (!invite.ok || closeByCode.has(code)) return;
    closeByCode.set(code, await doors.open(invite.value, isUsed(await doors.hashOf(invite.value))));
  };

  const invite: CommunityActs['invite'] = async (onPaper): Promise<{ code: string; expiresAt: number } | Refused> => {
    const here = holder.current();
    if (!here || !isMember()) return { refused: 'not-a-member' };
    const expiresAt = clock.now() + (onPaper ? limits.inviteOnPaperMs : limits.inviteOnScreenMs);
    const { code } = doors.makeInvite({
      community: here.log.community,
      inviter: deps.device().keys.signing.publicKey,
      expires: Math.floor((expiresAt - hlcEpochMs) / 1000),
      hint: settings.current().signalUrl,
    });
    const kept = openInvites().slice(-(limits.invitesOpenMax - 1));
    for (const dropped of closeByCode.keys()) if (!kept.some((each) => each.code === dropped)) closeDoor(dropped);
    if (!(await settings.save({ invites: [...kept, { code, expiresAt }] }))) return { refused: 'quota-full' };
    await openDoor(code);
    changed.tell();
    return { code, expiresAt };
  };
  const closeDoor = (code: string): void => {
    closeByCode.get(code)?.();
    closeByCode.delete(code);
  };
  const openInvites = () => settings.current().invites.filter(({ expiresAt }) => expiresAt > clock.now());

  const letIn: CommunityActs['letIn'] = async (device) => {
    const here = holder.current();
    const waiting = doors.take(device);
    if (!here || !waiting) return 'not-waiting';
    if (isUsed(waiting.inviteHash)()) {
      doors.turnAway(waiting.guest, 'invite-used');
      return 'invite-used';
    }
    const { certificate, name } = waiting.guest.peer;
    const { inviteHash } = waiting;
    // Somebody who is in already comes with a further device: no event names the invite then, so it is put out of use here.
    const isKnown = here.membership().members.has(bytesToText(certificate.root));
    const admitted = isKnown
      ? await acts().addDevice(here, certificate)
      : await acts().admit(here, { certificate, name: name || '?', inviteHash }, []);
    if (!admitted.ok) return admitted.error;
    if (isKnown) await spend(inviteHash);
    neighbours.admit(waiting.guest.link);
    return null;
  };

  const spend = async (hash: Uint8Array): Promise<void> => {
    spent.add(bytesToHex(hash));
    const isOther = await Promise.all(
      openInvites().map(async ({ code }) => !areBytesEqual(await hashOfCode(code), hash)),
    );
    await settings.save({ invites: openInvites().filter((_invite, index) => isOther[index]) });
    changed.tell();
  };
  const hashOfCode = async (code: string): Promise<Uint8Array> => {
    const invite = doors.readInvite(code);
    return invite.ok ? doors.hashOf(invite.value) : new Uint8Array(0);
  };

  const turnAway: CommunityActs['turnAway'] = (device) => {
    const waiting = doors.take(device);
    if (waiting) doors.turnAway(waiting.guest, 'invite-refused');
    return waiting !== null;
  };

  /** Goes on where an earlier run of this node stopped. */
  const resume = async (): Promise<void> => {
    const { community } = settings.current();
    const id = community ? textToBytes(community.id) : null;
    if (!community || !id) return;
    const opened = await holder.open(id);
    if (community.invite && !isMember()) return knock(community.invite);
    if (opened.log.size === 0) {
      holder.close();
      await settings.save({ community: null });
      return;
    }
    if (opened.membership().roleOf(self()) === 'anchor' && opened.membership().sealedKeys.length === 0)
      await acts().writeFirstKey(opened);
    for (const { code } of openInvites()) await openDoor(code);
    await linking.openDoor();
    await linking.takeIdentity();
  };

  return {
    acts: { found, join, cancelJoin, invite, letIn, turnAway } satisfies CommunityActs,
    link,
    rename: async (name: string): Promise<boolean> => {
      const here = holder.current();
      return !here || !isMember() || (await acts().rename(here, name)).ok;
    },
    resume,
    invites: openInvites,
    pendingReason: () => pendingReason,
    onChange: changed.on,
    stop: (): void => {
      stopKnock();
      for (const code of [...closeByCode.keys()]) closeDoor(code);
      holder.close();
    },
  };
};
export type Entry = ReturnType<typeof createEntry>;
