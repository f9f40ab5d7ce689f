import type { Bytes, MeshAnswer } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { dialMesh, joinRequest, makeKey, openRequest, type MeshClient, type TestKey } from '../unit/mesh-fixture.ts';

/**
 * Somebody whose socket moves on to the next server when one is gone, with the same key. `act` is what they do while a socket stands;
 * it is started again on each, and ends by the `Gone` that every wait throws when the socket closes.
 */
export type MovingPhone = {
  readonly key: TestKey;
  /** Their name at the tag, once they have joined. */
  id(): Bytes | null;
  /** Sockets that stood so far. */
  sockets(): number;
  /** At which of the servers they are, null between two. */
  at(): number | null;
  stop(): Promise<void>;
};

export type Line = {
  readonly client: MeshClient;
  /** The next answer, or `Gone`. */
  next(): Promise<MeshAnswer>;
};

export class Gone extends Error {}

export type PhonePlan = {
  readonly urls: readonly string[];
  readonly first: number;
  readonly boxes?: readonly TestKey[];
  readonly key?: TestKey;
  act(line: Line): Promise<void>;
};

export const startPhone = ({ urls, first, boxes = [], key = makeKey(), act }: PhonePlan): MovingPhone => {
  let at: number | null = null;
  let id: Bytes | null = null;
  let sockets = 0;
  const stopped = new AbortController();
  let open: MeshClient | null = null;

  const stand = async (place: number): Promise<void> => {
    const client = await dialMesh(urls[place] ?? '');
    const closed = client.closed.then(() => Promise.reject(new Gone('the socket closed')));
    closed.catch(() => 'seen by whoever waits');
    const line: Line = { client, next: () => Promise.race([client.next(), closed]) };
    open = client;
    client.send(joinRequest(client, key));
    const joined = await line.next();
    if (joined.type !== 'joined') throw new Gone(`not joined: ${joined.type}`);
    id = joined.id;
    for (const box of boxes) client.send(openRequest(client, box));
    sockets += 1;
    at = place;
    await act(line);
  };

  const live = async (): Promise<void> => {
    for (let place = first; !stopped.signal.aborted; place++) {
      try {
        await stand(place % urls.length);
      } catch (error) {
        // A server that is gone refuses the connection; the next one is tried after a moment.
        if (!(error instanceof Error)) throw error;
        at = null;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  const lived = live();

  return {
    key,
    id: () => id,
    sockets: () => sockets,
    at: () => at,
    stop: async () => {
      stopped.abort();
      open?.socket.terminate();
      await lived;
    },
  };
};
