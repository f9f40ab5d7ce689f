import { certifyDevice, openRootEntropy, sealRootEntropy, type CertifyRequest } from '../crypto/certificate-request.ts';
import {
  certificateBody,
  certificateLifeSeconds,
  signCertificateHalf,
  type Certificate,
} from '../crypto/certificate.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, Keyring } from '../kernel/ports/crypto.ts';
import type { Store } from '../kernel/ports/store.ts';
import { createSignal } from '../kernel/watch.ts';
import { authorityLane } from '../log/event.ts';
import type { Acts } from '../log/acts.ts';
import type { AtTheDoor, Doors } from '../mesh/doors.ts';
import type { Guest, Neighbours } from '../mesh/neighbours.ts';
import { encodeFrame, parseFrame } from '../replica/frames.ts';
import { certificateKey, nowSeconds, type Device } from './device.ts';
import type { Identity } from './identity.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';
import type { Settings } from './settings.ts';

export type LinkingDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly device: () => Device;
  readonly holder: NeighbourhoodHolder;
  readonly neighbours: Neighbours;
  readonly doors: Doors;
  readonly settings: Settings;
  readonly identity: Identity;
  readonly acts: () => Pick<Acts, 'addDevice'>;
  readonly onRefused: (reason: string) => void;
};

/** What the new device keeps of its linking until its certificate comes by the log. */
type Linked = { readonly person: Bytes; readonly transcript: Bytes; readonly sealedRoot: Bytes | null };
const linkedKey = 'linking';

/**
 * A further device of one person. The device that is in (and holds the root) opens a door with a link code; the new one asks
 * there for its certificate; after the tap the certificate and the sealed community key come to it in the authority lane, and
 * the new device becomes the person's.
 */
export const createLinking = (deps: LinkingDeps) => {
  const { crypto, clock, holder, doors, settings, identity } = deps;
  const changed = createSignal();
  const requests = new Map<Guest, CertifyRequest>();
  let closeDoor = (): void => {};
  let isTaking = false;
  /** undefined until the store was asked. */
  let linked: Linked | null | undefined;

  // The device that is in.

  const openDoor = async (): Promise<void> => {
    closeDoor();
    const kept = settings.current().linkCode;
    const invite = kept && doors.readInvite(kept.code);
    if (!invite?.ok) return;
    closeDoor = await doors.open(invite.value, () => settings.current().linkCode?.isUsed !== false);
  };

  const makeCode = async (): Promise<{ code: string; expiresAt: number } | { refused: string }> => {
    const here = holder.current();
    if (!here || here.membership().roleOf(deps.device().device) === null) return { refused: 'not-a-member' };
    if (!deps.device().root) return { refused: 'no-root' };
    const expiresAt = Math.floor(clock.now()) + limits.linkCodeMs;
    const { code } = doors.makeInvite({
      community: here.log.community,
      inviter: deps.device().keys.signing.publicKey,
      expires: Math.floor((expiresAt - hlcEpochMs) / 1000),
      hint: settings.current().signalUrl,
      isForDevice: true,
    });
    if (!(await settings.save({ linkCode: { code, expiresAt, isUsed: false } }))) return { refused: 'quota-full' };
    await openDoor();
    changed.tell();
    return { code, expiresAt };
  };

  const waiting = (): readonly AtTheDoor[] =>
    doors.waiting().filter(({ guest, isForDevice }) => isForDevice && requests.has(guest));

  /** Somebody came to the door for devices: what they ask is read, and signed only after the tap. */
  const noteGuests = (): void => {
    for (const { guest, isForDevice } of doors.waiting()) {
      if (!isForDevice || heard.has(guest)) continue;
      heard.add(guest);
      guest.link.onFrame('sync', (bytes) => {
        const frame = parseFrame(bytes);
        if (!frame.ok || frame.value.type !== 'certify' || requests.has(guest)) return;
        requests.set(guest, frame.value);
        changed.tell();
      });
    }
    for (const guest of requests.keys()) if (!guest.link.isOpen) requests.delete(guest);
  };
  const heard = new WeakSet<Guest>();
  const stopDoors = doors.onChange(noteGuests);

  const confirm = async (request: string, accept: boolean, withRoot: boolean): Promise<string | null> => {
    const here = holder.current();
    const { root, certificate } = deps.device();
    const asked = waiting().find(({ guest }) => guest.link.peer.device === request);
    const body = asked && requests.get(asked.guest);
    if (!here || !asked || !body) return 'not-waiting';
    doors.take(request);
    if (!accept) {
      doors.turnAway(asked.guest, 'invite-refused');
      return null;
    }
    if (!root) return 'no-root';
    const { linkCode } = settings.current();
    if (!linkCode || linkCode.isUsed) {
      doors.turnAway(asked.guest, 'invite-used');
      return 'invite-used';
    }
    const rootDeps = { crypto, root, rootPublicKey: certificate.root };
    const certified = await certifyDevice(rootDeps, body, asked.guest.peer.certificate, nowSeconds(clock));
    if (!certified.ok) {
      deps.onRefused(certified.error);
      doors.turnAway(asked.guest, 'invite-refused');
      return certified.error;
    }
    if (!(await settings.save({ linkCode: { ...linkCode, isUsed: true } }))) return 'quota-full';
    const added = await deps.acts().addDevice(here, certified.value);
    if (!added.ok) return added.error;
    if (withRoot) await handOverRoot(asked.guest, body);
    deps.neighbours.admit(asked.guest.link);
    changed.tell();
    return null;
  };

  const handOverRoot = async (guest: Guest, { body, signature }: CertifyRequest): Promise<void> => {
    const entropy = await deps.device().root?.entropy();
    if (!entropy) return;
    const { agreement } = guest.peer.certificate;
    const sealedRoot = await sealRootEntropy(crypto, entropy, agreement, guest.transcript);
    entropy.fill(0);
    if (sealedRoot) guest.link.send('sync', encodeFrame({ type: 'certify', body, signature, sealedRoot }));
  };

  // The new device.

  /** The device that is in has answered at its door: ask it, and keep what it hands over. */
  const ask = async ({ link, peer, transcript }: Guest): Promise<void> => {
    const { keys } = deps.device();
    const created = nowSeconds(clock);
    const own = { device: keys.signing.publicKey, agreement: keys.agreement.publicKey };
    const body = certificateBody({
      ...own,
      root: peer.certificate.root,
      created,
      expires: created + certificateLifeSeconds,
    });
    const signature = await signCertificateHalf('device', body, keys.signing.sign);
    await keep({ person: peer.certificate.root, transcript, sealedRoot: null });
    link.onFrame('sync', (bytes) => {
      const frame = parseFrame(bytes);
      if (!frame.ok || frame.value.type !== 'certify' || !areBytesEqual(frame.value.body, body)) return;
      void keep({ person: peer.certificate.root, transcript, sealedRoot: frame.value.sealedRoot });
    });
    link.send('sync', encodeFrame({ type: 'certify', body, signature, sealedRoot: null }));
  };

  const keep = async (next: Linked): Promise<void> => {
    linked = next;
    await deps.store.commit({ kv: [{ key: linkedKey, value: next }] }, 'strict');
  };

  /** Our certificate as the authority lane carries it, by the person whose device we asked. */
  const findCertificate = (person: Bytes): Certificate | null => {
    const log = holder.current()?.log;
    const { device } = deps.device();
    for (const { event } of log?.all(authorityLane) ?? []) {
      const certificate = log?.certificateOf(event.id);
      if (certificate && bytesToText(certificate.device) === device && areBytesEqual(certificate.root, person))
        return certificate;
    }
    return null;
  };

  /** The fold knows this device: it becomes one of the person's, and the node starts anew as that. */
  const takeIdentity = async (): Promise<void> => {
    if (linked === undefined) linked = readLinked(await deps.store.get(linkedKey));
    const certificate = linked && findCertificate(linked.person);
    const { community, name } = settings.current();
    if (!linked || !certificate || !community || isTaking) return;
    isTaking = true;
    const entropy =
      linked.sealedRoot &&
      (await openRootEntropy(crypto, deps.device().keys.agreement, linked.sealedRoot, linked.transcript));
    const isTrue = entropy !== null && (await isEntropyOf(entropy, linked.person));
    if (linked.sealedRoot && !isTrue) deps.onRefused('linked-root');
    const personName = holder.current()?.membership().members.get(bytesToText(linked.person))?.name ?? name;
    await settings.save({ name: personName, community: { id: community.id } });
    const become = await identity.become(
      { root: isTrue ? { entropy } : { publicKey: linked.person }, device: 'keep' },
      [
        { key: certificateKey, value: certificate.bytes },
        { key: linkedKey, value: null },
      ],
    );
    isTaking = become.ok;
  };

  const isEntropyOf = async (entropy: Bytes, person: Bytes): Promise<boolean> => {
    const { keys } = await deps.keyring.prepare({ root: { entropy }, device: 'keep' });
    return areBytesEqual(keys.rootPublicKey, person);
  };

  return {
    makeCode,
    waiting,
    confirm,
    openDoor,
    /** null once it was used or has run out. */
    code: (): { code: string; expiresAt: number } | null => {
      const { linkCode } = settings.current();
      return linkCode && !linkCode.isUsed && linkCode.expiresAt > clock.now()
        ? { code: linkCode.code, expiresAt: linkCode.expiresAt }
        : null;
    },
    ask,
    takeIdentity,
    onChange: changed.on,
    stop: (): void => {
      closeDoor();
      stopDoors();
    },
  };
};
export type Linking = ReturnType<typeof createLinking>;

const readLinked = (stored: unknown): Linked | null => {
  if (typeof stored !== 'object' || stored === null) return null;
  const { person, transcript, sealedRoot } = stored as Record<string, unknown>;
  if (!(person instanceof Uint8Array) || !(transcript instanceof Uint8Array)) return null;
  return {
    person: person.slice(),
    transcript: transcript.slice(),
    sealedRoot: sealedRoot instanceof Uint8Array ? sealedRoot.slice() : null,
  };
};
