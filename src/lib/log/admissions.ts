import { verifyCertificate, type Certificate } from '../crypto/certificate.ts';
import { bytesToText } from '../kernel/ids.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { authorityLane } from './event.ts';
import type { Entry } from './lanes.ts';
import { kindName, parsePayload } from './kinds.ts';

/**
 * Which devices are named, with a certificate that verifies, by a stored authority event: the ones whose events may be
 * stored. Naming is not membership: what a device may do is decided by the fold, from events that are all stored.
 */
export const createAdmissions = ({ crypto }: { crypto: CryptoPort }) => {
  const certificatesByEvent = new Map<string, Certificate>();
  const devices = new Set<string>();
  return {
    isAdmitted: (author: string): boolean => devices.has(author),
    /** The certificate an authority event carries, once verified. */
    certificateOf: (eventId: string): Certificate | undefined => certificatesByEvent.get(eventId),
    /** Looks at one stored event; the device it newly names, or null. */
    learn: async (entry: Entry): Promise<string | null> => {
      if (entry.event.header.lane !== authorityLane) return null;
      const kind = kindName(entry.event.header.kind);
      if ((kind !== 'community.genesis' && kind !== 'community.admit') || !entry.payload) return null;
      const body = parsePayload(kind, entry.payload);
      if (!body.ok) return null;
      const certificate = await verifyCertificate(crypto, body.value.certificate);
      if (!certificate.ok) return null;
      certificatesByEvent.set(entry.event.id, certificate.value);
      const device = bytesToText(certificate.value.device);
      if (devices.has(device)) return null;
      devices.add(device);
      return device;
    },
    /** The author of the genesis may store it: the community is named by the hash of that very event. */
    admitFounder: (author: string): void => void devices.add(author),
  };
};
export type Admissions = ReturnType<typeof createAdmissions>;
