import { encodeRefused, limits, signalFailure } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { createSocketEntrance, type SocketEntrance } from '../socket-entrance.ts';
import { createConnection, type Connection } from './connection.ts';
import { createRooms } from './rooms.ts';

/** The path `/signal`: y-webrtc's verbs, for stock clients and open rooms. */
export type SignalEntrance = SocketEntrance & { topicCount(): number };

export const signalPath = '/signal';

export const createSignalEntrance = (deps: { clock: Clock; metrics: Metrics }): SignalEntrance => {
  const rooms = createRooms<Connection>();
  const { metrics } = deps;
  const entrance = createSocketEntrance(
    {
      messageBytesMax: limits.signalFrameHardBytesMax,
      totalMax: limits.signalConnectionsMax,
      perAddressMax: limits.signalConnectionsPerAddressMax,
      refuse: (bound) => {
        metrics.refused(bound);
        return encodeRefused(signalFailure(bound));
      },
      open: (socket) => {
        metrics.counts.accepted += 1;
        return createConnection({ socket, rooms, ...deps });
      },
      fault: () => metrics.refused('server-fault'),
    },
    deps,
  );
  return { ...entrance, topicCount: () => rooms.topicCount() };
};
