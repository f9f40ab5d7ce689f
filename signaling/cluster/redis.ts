import { createClient, RESP_TYPES } from '@redis/client';
import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';

/**
 * The one place that speaks to Redis: two connections, one for commands and one that listens. Musts:
 * - Nothing waits for a Redis that is away: a command then fails at once, and one under way fails when the connection breaks. A Redis
 *   that hangs is found by a ping within `clusterSilentMs`.
 * - It comes back by itself and listens to the same channels again before `onReady` is told.
 * - The address of Redis, which may hold a password, reaches no log and no failure.
 */
export type Redis = {
  isReady(): boolean;
  /** One command in Redis's own words; texts come back as buffers. */
  command(words: readonly (string | Buffer)[]): Promise<Result<unknown, RedisTrouble>>;
  /** How many processes heard it: sharded publish. */
  publish(channel: string, message: Buffer): Promise<Result<number, RedisTrouble>>;
  /** While Redis is away it fails and is listened to all the same as soon as it is back, until `unlisten`. */
  listen(channel: string, hear: (message: Buffer) => void): Promise<Result<void, RedisTrouble>>;
  unlisten(channel: string): void;
  /** Both connections stand, first and after every break. */
  onReady(run: () => void): void;
  /** The first of both is gone. */
  onLost(run: () => void): void;
  /** Tries to reach it and goes on trying; does not wait for it. */
  start(): void;
  stop(): void;
};

/** `away` is a Redis that cannot be reached; `full` one that has no room in memory or on its disk; the rest is refused by it. */
export type RedisTrouble = 'away' | 'full' | 'refused';

export const createRedis = (url: string): Redis => {
  const commands = openConnection(url);
  const listening = openConnection(url);
  const heard = new Map<string, (message: Buffer) => void>();
  const ready: (() => void)[] = [];
  const lost: (() => void)[] = [];
  let wasReady = false;

  const isReady = (): boolean => commands.isReady && listening.isReady;
  const look = (): void => {
    if (isReady() === wasReady) return;
    wasReady = !wasReady;
    for (const run of wasReady ? ready : lost) run();
  };
  const hear = (message: Buffer, channel: Buffer): void => heard.get(channel.toString('latin1'))?.(message);
  const ask = <T>(asked: Promise<T>): Promise<Result<T, RedisTrouble>> =>
    asked.then(ok, (error) => err(toTrouble(error)));

  for (const connection of [commands, listening]) {
    connection.on('ready', look);
    for (const event of ['reconnecting', 'end', 'terminated']) connection.on(event, look);
    // Without a listener an error event would end the process; the break itself is seen by `look`.
    connection.on('error', look);
  }
  // A channel asked for while Redis was away is not yet in the library's own list.
  listening.on('ready', () => {
    if (heard.size > 0) listening.sSubscribe([...heard.keys()], hear, true).catch(look);
  });

  return {
    isReady,
    command: (words) => ask(commands.sendCommand<unknown>([...words])),
    publish: (channel, message) => ask(commands.sPublish(channel, message)),
    listen: (channel, run) => {
      heard.set(channel, run);
      return isReady() ? ask(listening.sSubscribe(channel, hear, true)) : Promise.resolve(err('away'));
    },
    unlisten: (channel) => {
      if (heard.delete(channel) && listening.isOpen) listening.sUnsubscribe(channel, hear, true).catch(look);
    },
    onReady: (run) => void ready.push(run),
    onLost: (run) => void lost.push(run),
    start: () => {
      // It rejects only when it is stopped before it was ever reached.
      for (const connection of [commands, listening]) connection.connect().catch(look);
    },
    stop: () => {
      ready.length = 0;
      lost.length = 0;
      for (const connection of [commands, listening]) if (connection.isOpen) connection.destroy();
    },
  };
};

const openConnection = (url: string) =>
  createClient({
    url,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandsQueueMaxLength: limits.clusterCommandsMax,
    pingInterval: limits.clusterPingMs,
    socket: {
      connectTimeout: limits.clusterSilentMs,
      socketTimeout: limits.clusterSilentMs,
      reconnectStrategy: (retries) =>
        Math.min(limits.clusterRetryMaxMs, limits.clusterRetryMinMs * 2 ** Math.min(retries, 16)) *
        (0.5 + Math.random() / 2),
    },
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });

const toTrouble = (error: unknown): RedisTrouble => {
  const text = error instanceof Error ? error.message : '';
  if (/^(OOM|MISCONF)\b/.test(text)) return 'full';
  // An answer of Redis starts with its code in capitals; everything else never got there or never came back.
  return /^[A-Z]{3,}\b/.test(text) ? 'refused' : 'away';
};
