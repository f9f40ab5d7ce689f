import { verifyCertificate } from '../crypto/certificate.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { authorityLane } from './event.ts';
import type { Naming } from './fork-resolution.ts';
import { kindName, parsePayload } from './kinds.ts';
import type { Arrival } from './waiting-room.ts';

/**
 * Reads which device an authority event names, with a certificate that verifies, whether the event is stored or not. Each
 * event is read once; an event whose payload has not come names nobody yet. Remembers a bounded number.
 */
export const createNamings = (crypto: CryptoPort) => {
  const namingByEvent = new Map<string, Naming | null>();
  return {
    read: async ({ event, payload }: Arrival): Promise<Naming | null> => {
      if (event.header.lane !== authorityLane || !payload) return null;
      const known = namingByEvent.get(event.id);
      if (known !== undefined) return known;
      const kind = kindName(event.header.kind);
      let naming: Naming | null = null;
      if (kind === 'community.genesis' || kind === 'community.admit' || kind === 'device.add') {
        const body = parsePayload(kind, payload);
        const certificate = body.ok ? await verifyCertificate(crypto, body.value.certificate) : null;
        if (certificate?.ok)
          naming = { device: bytesToText(certificate.value.device), person: bytesToText(certificate.value.root) };
      }
      namingByEvent.set(event.id, naming);
      const oldest = namingByEvent.size > limits.namingsMax ? namingByEvent.keys().next().value : undefined;
      if (oldest !== undefined) namingByEvent.delete(oldest);
      return naming;
    },
  };
};
export type Namings = ReturnType<typeof createNamings>;
