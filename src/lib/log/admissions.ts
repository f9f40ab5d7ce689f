import { verifyCertificate, type Certificate } from '../crypto/certificate.ts';
import { bytesToText, textToBytes } from '../kernel/ids.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { authorityLane } from './event.ts';
import { decodeStatementDevice, intentMessage, statementMessage } from './intent.ts';
import type { Entry } from './lanes.ts';
import { kindName, parsePayload, type Payload } from './kinds.ts';

/** Whose signatures stand under an authority event beside its author's, verified once when the event was stored. */
export type Witnesses = {
  /** The certificate an authority event carries, once verified. */
  certificateOf(eventId: string): Certificate | undefined;
  /** Devices whose signature under the intent of a `demote` or `remove` is good. */
  signersOf(eventId: string): ReadonlySet<string>;
  /** Of an endorsement: it signs the intent of the proposal it names. */
  isEndorsing(eventId: string): boolean;
  /** Of a `device.revoke`: the persons whose root signed its statement and certified the device it names. */
  rootsOf(eventId: string): ReadonlySet<string>;
};

const nobody: ReadonlySet<string> = new Set();

/**
 * Which devices are named, with a certificate that verifies, by a stored authority event: the ones whose events may be
 * stored. Naming is not membership: what a device may do is decided by the fold, from events that are all stored. Every
 * signature the fold asks about is verified here, once, so that the fold itself is synchronous and touches no key.
 */
export const createAdmissions = ({ crypto }: { crypto: CryptoPort }) => {
  const certificatesByEvent = new Map<string, Certificate>();
  const signersByEvent = new Map<string, ReadonlySet<string>>();
  const endorsements = new Set<string>();
  const rootsByEvent = new Map<string, Set<string>>();
  const intentsByProposal = new Map<string, Uint8Array>();
  const rootsByDevice = new Map<string, Set<string>>();
  /** What was stored before the proposal, or the certificate, it has to be checked against. */
  const waitingByProposal = new Map<string, Entry[]>();
  const waitingByDevice = new Map<string, Entry[]>();
  const devices = new Set<string>();

  const isSigned = async (key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> =>
    crypto.isSigningKeySound(key) && (await crypto.verify(key, message, signature));

  const learnCertificate = async (entry: Entry, bytes: Uint8Array): Promise<string | null> => {
    const certificate = await verifyCertificate(crypto, bytes);
    if (!certificate.ok) return null;
    certificatesByEvent.set(entry.event.id, certificate.value);
    const device = bytesToText(certificate.value.device);
    const roots = rootsByDevice.get(device) ?? new Set();
    rootsByDevice.set(device, roots.add(bytesToText(certificate.value.root)));
    for (const waiting of waitingByDevice.get(device) ?? []) await learnRevocation(waiting);
    if (devices.has(device)) return null;
    devices.add(device);
    return device;
  };

  const learnSigners = async ({ event }: Entry, { intent, signatures }: Payload<'community.remove'>): Promise<void> => {
    const message = intentMessage(intent);
    const good = new Set<string>();
    for (const { device, signature } of signatures)
      if (await isSigned(device, message, signature)) good.add(bytesToText(device));
    signersByEvent.set(event.id, good);
  };

  const learnEndorsement = async (entry: Entry): Promise<void> => {
    const body = entry.payload && parsePayload('community.endorse', entry.payload);
    if (!body?.ok) return;
    const proposal = bytesToText(body.value.proposal);
    const intent = intentsByProposal.get(proposal);
    if (!intent) return waitFor(waitingByProposal, proposal, entry);
    const author = entry.event.header.author;
    if (await isSigned(author, intentMessage(intent), body.value.signature)) endorsements.add(entry.event.id);
  };

  const learnRevocation = async (entry: Entry): Promise<void> => {
    const body = entry.payload && parsePayload('device.revoke', entry.payload);
    const device = body?.ok ? decodeStatementDevice(body.value.statement) : null;
    if (!body?.ok || device === null) return;
    waitFor(waitingByDevice, device, entry);
    const signers = rootsByEvent.get(entry.event.id) ?? new Set<string>();
    for (const root of rootsByDevice.get(device) ?? []) {
      const key = textToBytes(root);
      if (key && (await isSigned(key, statementMessage(body.value.statement), body.value.signature))) signers.add(root);
    }
    rootsByEvent.set(entry.event.id, signers);
  };

  /** Looks at one stored event; the device it newly names, or null. */
  const learn = async (entry: Entry): Promise<string | null> => {
    if (entry.event.header.lane !== authorityLane || !entry.payload) return null;
    const kind = kindName(entry.event.header.kind);
    if (kind === undefined) return null;
    const body = parsePayload(kind, entry.payload);
    if (!body.ok) return null;
    if (kind === 'community.genesis' || kind === 'community.admit' || kind === 'device.add')
      return learnCertificate(entry, (body.value as Payload<typeof kind>).certificate);
    if (kind === 'community.demote' || kind === 'community.remove')
      await learnSigners(entry, body.value as Payload<typeof kind>);
    if (kind === 'community.propose') {
      intentsByProposal.set(entry.event.id, (body.value as Payload<typeof kind>).intent);
      for (const waiting of take(waitingByProposal, entry.event.id)) await learnEndorsement(waiting);
    }
    if (kind === 'community.endorse') await learnEndorsement(entry);
    if (kind === 'device.revoke') await learnRevocation(entry);
    return null;
  };

  return {
    isAdmitted: (author: string): boolean => devices.has(author),
    devices: (): Iterable<string> => devices,
    learn,
    /** The author of the genesis may store it: the community is named by the hash of that very event. */
    admitFounder: (author: string): void => void devices.add(author),
    certificateOf: (eventId: string): Certificate | undefined => certificatesByEvent.get(eventId),
    signersOf: (eventId: string): ReadonlySet<string> => signersByEvent.get(eventId) ?? nobody,
    isEndorsing: (eventId: string): boolean => endorsements.has(eventId),
    rootsOf: (eventId: string): ReadonlySet<string> => rootsByEvent.get(eventId) ?? nobody,
  } satisfies Witnesses & Record<string, unknown>;
};
export type Admissions = ReturnType<typeof createAdmissions>;

const waitFor = (waiting: Map<string, Entry[]>, key: string, entry: Entry): void => {
  const entries = waiting.get(key) ?? [];
  if (!entries.some(({ event }) => event.id === entry.event.id)) waiting.set(key, [...entries, entry]);
};

const take = (waiting: Map<string, Entry[]>, key: string): readonly Entry[] => {
  const entries = waiting.get(key) ?? [];
  waiting.delete(key);
  return entries;
};
