import { wrap } from 'comlink';
import { contractsByName } from '../src/lib/contracts/index.ts';
import { createWebCrypto } from '../src/lib/crypto/webcrypto.ts';
import { createWebcryptoKeyring } from '../src/lib/crypto/webcrypto-keyring.ts';
import { bytesToText } from '../src/lib/kernel/ids.ts';
import { createNode, type HearthNode } from '../src/lib/node/create-node.ts';
import type { FromNodeWorker, InitMessage, ToNodeWorker } from '../src/lib/node/init-message.ts';
import { platformClock, platformRandom } from '../src/lib/node/platform.ts';
import { openWindowsChannel, toWindowPort } from '../src/lib/node/window-port.ts';
import { serveWindows } from '../src/lib/node/window-server.ts';
import { openIdbStore } from '../src/lib/stores/idb-store.ts';
import { createSignalClient } from '../src/lib/transports/signal-client.ts';
import { createRtcHostPort } from '../src/lib/transports/webrtc-port.ts';
import { createWebrtcTransport } from '../src/lib/transports/webrtc.ts';
import type { SearchWorker } from './search.worker.ts';

/** The node's thread: adapters are chosen here, everything else happens in `createNode`. */
const clock = platformClock;
const random = platformRandom;
const report = (message: FromNodeWorker): void => postMessage(message);

const fetchStatic = async (path: string): Promise<Uint8Array<ArrayBuffer> | null> => {
  try {
    const response = await fetch(`/${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // no network and not in the cache: asked again later
    throw error;
  }
};

const run = async ({ searchPort, rtcPort, windowPort, build, signalUrl }: InitMessage): Promise<HearthNode | null> => {
  const opened = await openIdbStore({ name: 'hearthnet', onLost: () => report({ type: 'fenced' }) });
  if (!opened.ok) {
    report({ type: 'trouble', detail: opened.error });
    return null;
  }
  const store = opened.value;
  const crypto = createWebCrypto();
  const signal = createSignalClient({ clock, random, Socket: WebSocket, url: signalUrl });
  const node = await createNode({
    crypto,
    keyring: createWebcryptoKeyring({ store, random, crypto, subtle: globalThis.crypto.subtle }),
    clock,
    random,
    store,
    transport: createWebrtcTransport({ clock, random, signal, host: createRtcHostPort(rtcPort) }),
    search: wrap<SearchWorker>(searchPort),
    fetchStatic,
    build,
    defaultSignalUrl: signalUrl,
    isStoragePersisted: () => navigator.storage.persisted(),
  });
  await node.start();
  const windows = serveWindows({ bus: node.bus, contractsByName, clock, node: bytesToText(random.bytes(9)), term: store.epoch, build });
  windows.add(toWindowPort(windowPort));
  windows.add(openWindowsChannel());
  return node;
};

addEventListener('unhandledrejection', ({ reason }) => {
  report({ type: 'trouble', detail: reason instanceof Error ? reason.message : String(reason) });
});

let running: Promise<HearthNode | null> | null = null;
addEventListener('message', ({ data }: MessageEvent<ToNodeWorker>) => {
  if (data.type === 'wake') return void running?.then((node) => node?.wake());
  running ??= run(data).catch((error: unknown) => {
    report({ type: 'trouble', detail: error instanceof Error ? error.message : String(error) });
    return null;
  });
});
