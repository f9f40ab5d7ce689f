import type { Mailbox, Mailboxes } from '../kernel/ports/mailbox.ts';
import type { Result } from '../kernel/result.ts';
import type { OpenPipe } from './pipe.ts';
import type { RelayPart, RelayPartDeps } from './relay-part.ts';

export type LoadRelayPart = () => Promise<
  Result<{ readonly createRelayPart: (deps: RelayPartDeps) => RelayPart }, string>
>;

export type LateRelay = {
  at(tag: string): OpenPipe;
  readonly mailboxes: Mailboxes;
  closeAll(): void;
};

/**
 * What only makes sense with a server (relayed pipes, boxes) is loaded once this device has joined one. Until then there are no
 * such pipes and no boxes; what could not be loaded is tried again at the next joining.
 */
export const createLateRelay = (deps: RelayPartDeps, load: LoadRelayPart, loaded: () => void): LateRelay => {
  const { servers } = deps;
  const listeners = new Set<(mailbox: Mailbox) => void>();
  let part: RelayPart | null = null;
  let isLoading = false;
  let hasStopped = false;
  const ensure = async (): Promise<void> => {
    if (part !== null || isLoading || hasStopped) return;
    isLoading = true;
    const result = await load();
    isLoading = false;
    if (!result.ok) return deps.refused(`relay: ${result.error}`);
    if (hasStopped) return;
    part = result.value.createRelayPart(deps);
    const tell = (mailbox: Mailbox): void => {
      for (const listener of [...listeners]) listener(mailbox);
    };
    part.mailboxes.onOpen(tell);
    for (const mailbox of part.mailboxes.all()) tell(mailbox);
    loaded();
  };
  servers.onServer((server) => server.onNews((news) => (news === 'joined' ? void ensure() : undefined)));
  return {
    at: (tag) => (role, handlers) => part?.at(tag)(role, handlers) ?? null,
    mailboxes: {
      all: () => part?.mailboxes.all() ?? [],
      onOpen: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    closeAll: () => {
      hasStopped = true;
      part?.closeAll();
    },
  };
};
