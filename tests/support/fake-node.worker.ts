import { failure } from '../../src/lib/kernel/errors.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { openWindowsChannel, toWindowPort } from '../../src/lib/node/window-port.ts';
import { serveWindows } from '../../src/lib/node/window-server.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { createTestNode, testContracts, write } from './window-world.ts';

/** `isFrozen`: this node's timers never fire, so it never beats by itself. */
export type FakeNodeInit = {
  windowPort: MessagePort;
  channelName: string;
  dbName: string;
  build: string;
  isFrozen: boolean;
};

const workerClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A node with a real bus, a real store and real ports, but with the handlers of a test. */
const start = async ({ windowPort, channelName, dbName, build, isFrozen }: FakeNodeInit): Promise<void> => {
  const store = unwrap(await openIdbStore({ name: dbName }));
  const node = `node-${store.epoch}`;
  const clock = isFrozen ? { ...workerClock, after: () => () => {} } : workerClock;
  const { bus } = createTestNode(node, workerClock);
  bus.register(write, async ({ seq }) => {
    const event = { author: 'anna', lane: 0, seq, id: `${node}-${seq}`, envelope: new Uint8Array([store.epoch]) };
    const written = await store.commit({ events: [event] }, 'strict');
    if (!written.ok && written.error === 'quota-full') return err(failure('quota_full', 'store'));
    return ok({ outcome: written.ok ? 'written' : written.error, epoch: store.epoch });
  });
  const server = serveWindows({ bus, contractsByName: testContracts, clock, node, term: store.epoch, build });
  server.add(toWindowPort(windowPort));
  server.add(openWindowsChannel(channelName));
};

addEventListener('message', ({ data }: MessageEvent<FakeNodeInit>) => void start(data));
