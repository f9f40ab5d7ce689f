import type { Mailboxes } from '../kernel/ports/mailbox.ts';
import { createMeshMailboxes } from './mesh-mailboxes.ts';
import { createRelayPipes, type RelayPipes, type RelayPipesDeps } from './relay-pipes.ts';

export type RelayPartDeps = RelayPipesDeps;
export type RelayPart = RelayPipes & { readonly mailboxes: Mailboxes };

/** What a device does at a server beyond meeting: a file of its own, loaded once it has joined one. */
export const createRelayPart = (deps: RelayPartDeps): RelayPart => ({
  ...createRelayPipes(deps),
  mailboxes: createMeshMailboxes(deps.clock, deps.servers),
});
