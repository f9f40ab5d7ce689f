import { areBytesEqual, bytesToText, concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Carrier } from '../kernel/ports/transport.ts';
import {
  encodeRelayFrame,
  parseRelayFrame,
  relaySessionBytes,
  relaySessionOf,
  type RelayFrame,
} from './relay-frames.ts';
import { createCarrierInbox } from './carrier-inbox.ts';
import type { MeshServer } from './mesh-server.ts';
import type { TagListener } from './mesh-tags.ts';
import type { MeshServers } from './mesh-servers.ts';
import type { Pipe, PipeHandlers, PipeRole } from './pipe.ts';
import { encodeRelayDescription, parseRelayDescription, type RelayDescription } from './relay-description.ts';
import { createRelayReceiver } from './relay-receiver.ts';
import { createRelaySender } from './relay-sender.ts';
import { serverLanes } from './server-road.ts';

export type RelayPipe = Pipe & { readonly role: PipeRole; isOpen(): boolean; end(reason: string): void };

export type RelayPipeDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly servers: MeshServers;
  readonly refused: (reason: string) => void;
  readonly tag: string;
  readonly role: PipeRole;
  readonly handlers: PipeHandlers;
  readonly over: () => void;
};

/**
 * One pipe over servers. The ends tell each other a session name each, sealed; the offerer then knocks on every server both may be at,
 * and the first way that answers is taken. Where that server goes away another takes its place, and what was under way is sent again.
 * Nothing here is secret from the server or proven to it: the mesh seals what it sends once Hello is through.
 */
export const openRelayPipe = (deps: RelayPipeDeps): RelayPipe => {
  const { clock, servers, tag, role, handlers } = deps;
  const session = deps.random.bytes(relaySessionBytes);
  const inbox = createCarrierInbox();
  let peer: RelayDescription | null = null;
  let binding: Uint8Array | null = null;
  let way: { readonly server: MeshServer; readonly name: string } | null = null;
  let isOpen = false;
  let isOver = false;
  let goneAt: number | null = null;
  let cancelKnock = (): void => {};

  const post = (frame: RelayFrame): boolean => {
    if (peer === null || way === null) return false;
    const bytes = concatBytes(Uint8Array.of(serverLanes.relay), encodeRelayFrame(peer.session, frame));
    const { server, name } = way;
    if (server.send(name, tag, bytes)) return true;
    // Behind for the moment is no reason to go another way.
    if (server.joined() !== null) return false;
    const other = servers.open()[0];
    if (other === undefined) return false;
    way = { server: other, name };
    return other.send(name, tag, bytes);
  };
  const sender = createRelaySender({ clock, post, drained: inbox.drain, silent: () => end('relay-silent') });
  const receiver = createRelayReceiver({
    clock,
    message: inbox.message,
    acknowledge: (next) => void post({ type: 'ack', next }),
  });

  const leave = (): boolean => {
    if (isOver) return false;
    isOver = true;
    cancelKnock();
    sender.stop();
    receiver.stop();
    release();
    deps.over();
    return true;
  };
  const end = (reason: string): void => {
    if (reason !== 'closed-there') post({ type: 'close' });
    if (!leave()) return;
    inbox.closed(reason);
    handlers.closed(reason);
  };
  const open = (): void => {
    if (isOpen || isOver || binding === null) return;
    isOpen = true;
    cancelKnock();
    handlers.opened({
      kind: 'relay',
      isOfferer: role === 'offerer',
      binding,
      send: sender.send,
      bufferedBytes: sender.bufferedBytes,
      listen: inbox.listen,
      close: () => end('closed-here'),
    } satisfies Carrier);
  };
  const knock = (): void => {
    if (peer === null || isOpen || isOver) return;
    const bytes = concatBytes(Uint8Array.of(serverLanes.relay), encodeRelayFrame(peer.session, { type: 'open' }));
    for (const server of servers.open()) for (const name of peer.names) server.send(name, tag, bytes);
    cancelKnock = clock.after(limits.relayKnockMs, knock);
  };
  const receive = (server: MeshServer, from: string, frame: RelayFrame): void => {
    // Who knows the name of this pipe was told it, sealed; an answer goes the way the last word came.
    way = { server, name: from };
    goneAt = null;
    if (frame.type === 'open' && role === 'answerer') {
      if (post({ type: 'opened' })) open();
    } else if (frame.type === 'opened' && role === 'offerer') open();
    else if (frame.type === 'close') end('closed-there');
    else if (frame.type === 'ack' && isOpen) sender.acknowledged(frame.next);
    else if (frame.type === 'data' && isOpen) {
      const reason = receiver.data(frame);
      if (reason !== null) end(reason);
    }
  };
  const listen = (server: MeshServer): TagListener => ({
    from: (bytes, from) => {
      const rest = bytes.subarray(1);
      if (bytes[0] !== serverLanes.relay || !areBytesEqual(relaySessionOf(rest), session)) return;
      const frame = parseRelayFrame(rest);
      if (frame.ok) receive(server, from, frame.value);
      else deps.refused(frame.error);
    },
    met: (_, isFresh) => {
      if (isFresh && isOpen) sender.resume();
    },
    undelivered: (to, why) => {
      if (way === null || server !== way.server || (to !== null && to !== way.name)) return;
      sender.lost();
      if (why === 'busy') return;
      goneAt ??= clock.now();
      if (isOpen && clock.now() - goneAt >= limits.relayGoneMs) end('relay-gone');
    },
  });
  const release = servers.hold(tag, listen);

  const describe = (): void => {
    const joined = servers.open().flatMap((server) => server.joined() ?? []);
    const names = [...new Set(joined.map(({ id }) => bytesToText(id)))];
    if (names.length === 0) end('no-server');
    else handlers.described(encodeRelayDescription({ session, names }));
  };
  const soon = (act: () => void): void => {
    clock.after(0, () => {
      if (!isOver) act();
    });
  };
  if (role === 'offerer') soon(describe);
  return {
    role,
    isOpen: () => isOpen,
    end,
    accept: (text) => {
      if (isOver || peer !== null) return;
      const described = parseRelayDescription(text);
      if (described === null) {
        deps.refused('relay-description');
        return end('description-refused');
      }
      peer = described;
      void bindingOf(role, session, described.session).then((bytes) => {
        binding = bytes;
        if (isOver) return;
        if (role === 'offerer') knock();
        else describe();
      });
    },
    close: () => {
      if (!isOpen) leave();
    },
  };
};

/** Both session names, the offerer's first: made by the two ends and told sealed. What a server swaps leads nowhere. */
const bindingOf = async (role: PipeRole, own: Uint8Array, other: Uint8Array): Promise<Uint8Array> => {
  const both = role === 'offerer' ? [own, other] : [other, own];
  return new Uint8Array(await crypto.subtle.digest('SHA-256', concatBytes(utf8('HN-RELAY1'), ...both)));
};
