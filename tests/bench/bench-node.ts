import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createWebcryptoKeyring } from '../../src/lib/crypto/webcrypto-keyring.ts';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import type { Store } from '../../src/lib/kernel/ports/store.ts';
import { createNode } from '../../src/lib/node/create-node.ts';
import { openNodeBlobs } from '../../src/lib/node/open-node-blobs.ts';
import { platformClock as clock, platformRandom as random } from '../../src/lib/node/platform.ts';
import { createPseudonym } from '../../src/lib/node/pseudonym.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { createSearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { serveRtcHost } from '../../src/lib/transports/webrtc-host.ts';
import { createRtcHostPort } from '../../src/lib/transports/webrtc-port.ts';
import { createWebrtcTransport } from '../../src/lib/transports/webrtc.ts';

/**
 * For the pages of benches only, never part of the app: the whole node with the adapters that the app uses (IndexedDB, WebCrypto,
 * WebRTC), but where the bench can reach its log and its bus. It runs on the page, where the app has a worker.
 */
export const openBenchNode = async (signalUrl: string) => {
  const opened = await openIdbStore({ name: 'bench', onLost: () => undefined });
  if (!opened.ok) throw new Error(opened.error);
  let isFilling = false;
  const store: Store = {
    ...opened.value,
    commit: (commit, durability) => opened.value.commit(commit, isFilling ? 'relaxed' : durability),
  };
  const webCrypto = createWebCrypto();
  const { port1, port2 } = new MessageChannel();
  serveRtcHost(port1);
  const node = await createNode({
    crypto: webCrypto,
    keyring: createWebcryptoKeyring({ store, random, crypto: webCrypto, subtle: crypto.subtle }),
    clock,
    random,
    store,
    blobs: async () => ok(await openNodeBlobs({ crypto: webCrypto, clock, random })),
    transport: createWebrtcTransport({
      clock,
      random,
      Socket: WebSocket,
      pseudonym: createPseudonym({ store, crypto: webCrypto, clock, random }),
      urls: [signalUrl],
      relayPart: async () => ok(await import('../../src/lib/transports/relay-part.ts')),
      host: createRtcHostPort(port2),
    }),
    search: createSearchRoom({ loadStemmer, now: () => performance.now() }),
    documents: createDocumentRoom(),
    fetchStatic: async (path) => (path === 'library/index.json' ? utf8('{"guides":[]}') : null),
    build: 'bench',
    defaultSignalUrl: signalUrl,
    isStoragePersisted: async () => false,
  });
  await node.start();
  return { ...node, setFilling: (isOn: boolean): void => void (isFilling = isOn) };
};
export type BenchNode = Awaited<ReturnType<typeof openBenchNode>>;
