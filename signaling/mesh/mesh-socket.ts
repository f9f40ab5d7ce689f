import { createHash, randomBytes } from 'node:crypto';
import {
  connectionIdInput,
  joinMessage,
  meshFailure,
  type MeshFailure,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';
import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';
import type { ClientFacts } from '../client-facts.ts';
import type { Clock } from '../clock.ts';
import type { Exchange, MailStore } from '../exchange.ts';
import type { Metrics } from '../metrics.ts';
import { createSocketEntrance, type FrameSocket, type SocketEntrance } from '../socket-entrance.ts';
import type { Roster } from '../store/roster.ts';
import { createMailDesk } from './mail-desk.ts';
import { createMeetingDesk } from './meeting-desk.ts';
import { createAddressMailBudget } from './mesh-budget.ts';
import { createMeshConnection, type Joined, type MeshConnection, type MeshPeer } from './mesh-connection.ts';
import { createMeshMetrics, type MeshMetrics, type MeshState } from './mesh-metrics.ts';
import { isSignedBy } from './signature.ts';
import { turnCredentials, type TurnServer } from './turn.ts';
import { textOfBytes } from './wire-text.ts';

/** The path `/mesh`: proven pseudonyms meet at tags, pass sealed words on, and leave mail. */
export type MeshEntrance = SocketEntrance & {
  readonly metrics: MeshMetrics;
  state(): MeshState;
};

export type MeshEntranceDeps = {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly exchange: Exchange;
  /** Null where there is no data file. */
  readonly roster: Roster | null;
  readonly mail: MailStore | null;
  readonly turn: TurnServer | null;
  readonly clientFacts: ClientFacts;
};

export const meshPath = '/mesh';

export const createMeshEntrance = (deps: MeshEntranceDeps): MeshEntrance => {
  const { clock, metrics, exchange, roster, mail } = deps;
  const meshMetrics = createMeshMetrics();
  const peersById = new Map<string, MeshPeer>();
  const addressBudget = createAddressMailBudget(clock);

  /** The newest connection of a key is the one that counts: a phone that changed its network comes back before its old socket ends. */
  const admit = (key: Uint8Array, peer: MeshPeer): Joined => {
    const idBytes = createHash('sha256').update(connectionIdInput(key)).digest().subarray(0, 16);
    const id = textOfBytes(idBytes);
    peersById.get(id)?.replace();
    peersById.set(id, peer);
    const desk = createMeetingDesk({ id, exchange, roster, metrics: meshMetrics, passOn: peer.passOn });
    const leave = (): void => {
      desk.leave();
      if (peersById.get(id) === peer) peersById.delete(id);
    };
    const features = { mailbox: mail?.state().isOpen ?? false, cluster: exchange.state() };
    const iceServers = turnCredentials(deps.turn, clock.now(), id.slice(0, 8));
    const answer = { type: 'joined' as const, id: idBytes, clockMs: clock.now(), iceServers, features };
    return { answer, desk: { ...desk, leave } };
  };

  const open = (socket: FrameSocket, address: string, host: string): MeshConnection => {
    meshMetrics.counts.accepted += 1;
    const nonce = Uint8Array.from(randomBytes(32));
    const prove = (
      { key, signature }: Extract<MeshRequest, { type: 'join' }>,
      peer: MeshPeer,
    ): Result<Joined, MeshFailure> =>
      isSignedBy(key, joinMessage(nonce, host), signature) ? ok(admit(key, peer)) : err(meshFailure('join-signature'));
    const mailDesk = createMailDesk({ mail, metrics: meshMetrics, addressBudget, address, nonce, host });
    return createMeshConnection({ socket, clock, metrics, meshMetrics, nonce, prove, mailDesk });
  };

  const entrance = createSocketEntrance(
    {
      messageBytesMax: limits.meshRequestBytesMax,
      totalMax: limits.meshConnectionsMax,
      perAddressMax: limits.meshConnectionsPerAddressMax,
      refuse: (bound) => {
        meshMetrics.refused(bound);
        return JSON.stringify(meshFailure(bound));
      },
      open: (socket, { address, request }) => open(socket, address, deps.clientFacts.hostOf(request)),
      fault: () => meshMetrics.refused('server-fault'),
    },
    deps,
  );

  const state = (): MeshState => {
    const kept = mail?.state() ?? { items: 0, bytes: 0, isOpen: false, isFull: false };
    return {
      connections: entrance.connectionCount(),
      tags: exchange.tagCount(),
      rosterEntries: roster?.entryCount() ?? 0,
      mailItems: kept.items,
      mailBytes: kept.bytes,
      isMailFull: kept.isFull,
      cluster: exchange.state(),
    };
  };
  return { ...entrance, metrics: meshMetrics, state };
};
