import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { enterMeetingPlace, type EnteredPlace } from './meeting-place.ts';
import { createMeetingSeal } from './meeting-seal.ts';
import { createLateRelay, type LoadRelayPart } from './late-relay.ts';
import { createMeshServers } from './mesh-servers.ts';
import type { SocketConstructor } from './mesh-socket.ts';
import { createRoads } from './roads.ts';
import type { OpenPipe } from './pipe.ts';
import { createServerRoad } from './server-road.ts';
import { createTally } from './tally.ts';
import { createRtcPeers, type RtcPeers } from './webrtc-peers.ts';
import type { RtcHostPort } from './webrtc-port.ts';

export type WebrtcTransport = Transport & {
  /** What was refused at the meeting places so far, by reason. */
  refusals(): ReadonlyMap<string, number>;
  readonly openPair: RtcPeers['openPair'];
};

export type WebrtcDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly Socket: SocketConstructor;
  /** The key this device is known by at servers, for now. */
  readonly pseudonym: () => Promise<SigningKey>;
  /** Servers, in order of preference. */
  readonly urls: readonly string[];
  /** `relay-part.ts`, from wherever it stands. */
  readonly relayPart: LoadRelayPart;
  readonly host: RtcHostPort;
};

/**
 * Reaches other devices: meets them on every road there is, lets the page make a direct connection, and has a server pass frames on
 * where none comes about. Runs in the node worker. Leaving a place or losing a server never closes a carrier that is open; `stop`
 * closes all.
 */
export const createWebrtcTransport = (deps: WebrtcDeps): WebrtcTransport => {
  const { clock, random, host } = deps;
  const places = new Set<EnteredPlace>();
  const roads = createRoads();
  const listeners = new Set<() => void>();
  const tally = createTally();
  let hasStopped = false;
  let hidesAddress = false;
  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };
  const probePlaces = (): void => {
    for (const place of places) place.probe();
  };
  const peers = createRtcPeers({ host, refused: tally.add, changed, becameAvailable: probePlaces });
  const servers = createMeshServers({ ...deps, refused: tally.add });
  const relayDeps = { clock, random, servers, refused: tally.add };
  const relay = createLateRelay(relayDeps, deps.relayPart, probePlaces);
  // Before the page has said what it can do, it is believed to be able to.
  const isDirectPossible = (): boolean => !hidesAddress && (peers.hands() === null || peers.isAvailable());
  const tellIceServers = (): void => {
    const told = servers.open().flatMap((server) => server.joined()?.iceServers ?? []);
    host.post({ type: 'ice-servers', servers: told.slice(0, limits.meshIceServersMax) });
  };
  servers.onServer((server) => {
    const removeRoad = roads.add(createServerRoad(server));
    const stopNews = server.onNews((news) => {
      if (news === 'joined') tellIceServers();
    });
    return () => {
      stopNews();
      removeRoad();
    };
  });
  servers.onState(changed);
  servers.setUrls(deps.urls);
  return {
    meet: (place) => {
      if (hasStopped) return () => {};
      if (places.size >= limits.meetingPlacesMax) throw new RangeError('webrtc: too many meeting places');
      const seal = createMeetingSeal({ key: place.key, tag: place.tag, random });
      const direct: OpenPipe = (role, handlers) => (hidesAddress ? null : peers.openPipe(role, handlers));
      const pipes = { direct, relay: relay.at(place.tag), isDirectPossible };
      const entered = enterMeetingPlace({ clock, random, roads, place, seal, pipes, refused: tally.add });
      places.add(entered);
      return () => {
        if (places.delete(entered)) void entered.leave();
      };
    },
    probe: () => {
      servers.probe();
      probePlaces();
    },
    state: () => ({
      signalling: servers.best(),
      servers: servers.states(),
      candidates: peers.candidates(),
      isAvailable: peers.isAvailable(),
      hands: peers.hands(),
    }),
    onState: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    trials: { gather: () => tryGathering(clock, peers), meet: servers.tryMeeting },
    setServers: servers.setUrls,
    addRoad: roads.add,
    setPrivacy: (privacy) => {
      if (hidesAddress === privacy.hidesAddress) return;
      hidesAddress = privacy.hidesAddress;
      // A pipe that stands tells the other end where this device is.
      if (hidesAddress) peers.closeAll();
      probePlaces();
    },
    mailboxes: relay.mailboxes,
    refusals: tally.counts,
    openPair: peers.openPair,
    stop: () => {
      if (hasStopped) return;
      hasStopped = true;
      const goodbyes = [...places].map((place) => place.leave());
      places.clear();
      peers.closeAll();
      relay.closeAll();
      listeners.clear();
      void Promise.allSettled(goodbyes).then(servers.stop);
    },
  };
};

/** Opens a pipe to nobody and looks at how it would describe itself. */
const tryGathering = (clock: Clock, peers: RtcPeers): Promise<'unknown' | 'some' | 'none'> =>
  new Promise((resolve) => {
    const done = (found: 'unknown' | 'some' | 'none'): void => {
      cancel();
      pipe?.close();
      resolve(found);
    };
    const cancel = clock.after(limits.iceGatherMs * 2, () => done('unknown'));
    const pipe = peers.openPipe('offerer', {
      described: () => done(peers.candidates()),
      opened: (carrier) => carrier.close(),
      closed: () => done('unknown'),
    });
    if (pipe === null) done('unknown');
  });
