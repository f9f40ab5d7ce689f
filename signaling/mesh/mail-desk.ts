import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';
import {
  meshFailure,
  openMessage,
  type MeshAnswer,
  type MeshFailure,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';
import type { MailStore } from '../exchange.ts';
import type { AddressMailBudget } from './mesh-budget.ts';
import type { MeshMetrics } from './mesh-metrics.ts';
import { isSignedBy } from './signature.ts';
import { textOfBytes } from './wire-text.ts';

/** The boxes that one connection has opened, and what it puts into them and takes out. */
export type MailDesk = {
  /** Null when the signature proves the box's key; it stays open as long as the connection. */
  open(request: Extract<MeshRequest, { type: 'open' }>): MeshFailure | null;
  put(request: Extract<MeshRequest, { type: 'put' }>): Promise<Result<MeshAnswer, MeshFailure>>;
  take(request: Extract<MeshRequest, { type: 'take' }>): Promise<Result<MeshAnswer, MeshFailure>>;
};

export type MailDeskDeps = {
  /** Null where this server keeps no mail. */
  readonly mail: MailStore | null;
  readonly metrics: MeshMetrics;
  readonly addressBudget: AddressMailBudget;
  readonly address: string;
  readonly nonce: Uint8Array;
  readonly host: string;
};

export const createMailDesk = (deps: MailDeskDeps): MailDesk => {
  const { mail, metrics, address } = deps;
  const opened = new Set<string>();
  let putsUnderway = 0;

  const checkPut = (box: string, { keepSeconds, item }: Extract<MeshRequest, { type: 'put' }>): MeshFailure | null => {
    if (!opened.has(box)) return meshFailure('box-not-opened');
    if (item.length > limits.mailItemBytesMax) return meshFailure('bytes-too-large');
    if (keepSeconds * 1000 > limits.mailKeepMs) return meshFailure('keep-too-long');
    if (putsUnderway >= limits.mailPutsUnderwayMax) return meshFailure('mail-rate', 0);
    const waitMs = deps.addressBudget(address, item.length + limits.mailItemCostBytes);
    return waitMs === null ? null : meshFailure('mail-rate', waitMs);
  };

  return {
    open: ({ box, signature }) => {
      if (opened.size >= limits.meshBoxesPerConnectionMax) return meshFailure('boxes-per-connection');
      if (!isSignedBy(box, openMessage(deps.nonce, deps.host, box), signature)) return meshFailure('box-signature');
      opened.add(textOfBytes(box));
      return null;
    },
    put: async (request) => {
      const box = textOfBytes(request.box);
      const refused = checkPut(box, request);
      if (refused !== null) return err(refused);
      if (mail === null) return err(meshFailure('mail-unavailable'));
      putsUnderway += 1;
      const kept = await mail.put(box, request.keepSeconds * 1000, request.item).finally(() => (putsUnderway -= 1));
      if (!kept.ok) return err(meshFailure(kept.error));
      metrics.counts.mailKept += 1;
      return ok({ type: 'kept', request: request.request });
    },
    take: async ({ request, box: key, cursor, most }) => {
      const box = textOfBytes(key);
      if (!opened.has(box)) return err(meshFailure('box-not-opened'));
      if (mail === null) return err(meshFailure('mail-unavailable'));
      const page = await mail.take(box, cursor, most);
      if (!page.ok) return err(meshFailure(page.error));
      metrics.counts.mailGiven += page.value.items.length;
      return ok({ type: 'mail', request, ...page.value });
    },
  };
};
