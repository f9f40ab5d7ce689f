import { wrap } from 'comlink';
import { contractsByName } from '../contracts/index.ts';
import type { FallbackCurves } from '../crypto/fallback.ts';
import { lacksCurves } from '../crypto/lacks-curves.ts';
import { createVerifyPool, verifyHelperCount } from '../crypto/verify-pool.ts';
import { createWebCrypto } from '../crypto/webcrypto.ts';
import { createWebcryptoKeyring } from '../crypto/webcrypto-keyring.ts';
import { bytesToText } from '../kernel/ids.ts';
import { ok } from '../kernel/result.ts';
import type { SearchRoom } from '../search/search-room.ts';
import { openIdbStore } from '../stores/idb-store.ts';
import { createRtcHostPort } from '../transports/webrtc-port.ts';
import { createWebrtcTransport } from '../transports/webrtc.ts';
import { createNode, type HearthNode } from './create-node.ts';
import { createDocumentPort } from './document-port.ts';
import type { FromNodeWorker, InitMessage } from './init-message.ts';
import { loadPart } from './load-part.ts';
import { platformClock as clock, platformRandom as random } from './platform.ts';
import { createPseudonym } from './pseudonym.ts';
import { openWindowsChannel, toWindowPort } from './window-port.ts';
import { serveWindows } from './window-server.ts';

/**
 * The node as it runs in its worker: the concrete adapters (IndexedDB, WebCrypto, WebRTC through the page, the search worker)
 * are chosen here, the rest is `createNode`. null when the store cannot be opened; the page has been told why.
 */
export const runNode = async (
  init: InitMessage,
  report: (message: FromNodeWorker, transfer?: Transferable[]) => void,
): Promise<HearthNode | null> => {
  const { searchPort, rtcPort, windowPort, build, signalUrl } = init;
  const opened = await openIdbStore({ name: 'hearthnet', onLost: () => report({ type: 'fenced' }) });
  if (!opened.ok) {
    report({ type: 'trouble', detail: opened.error });
    return null;
  }
  const store = opened.value;
  const platform = globalThis.crypto.subtle;
  const isLacking = await lacksCurves(platform);
  const openFallback = async (): Promise<SubtleCrypto> => {
    // A browser that has what it takes never loads it; where it cannot be loaded, the page is told why the node does not run.
    const { createFallbackSubtle } = await import('../crypto/fallback-subtle.ts');
    const { port1, port2 } = new MessageChannel();
    report({ type: 'crypto-fallback', port: port2 }, [port2]);
    return createFallbackSubtle({ subtle: platform, curves: wrap<FallbackCurves>(port1), random });
  };
  const subtle = isLacking ? await openFallback() : platform;
  const local = createWebCrypto(subtle);
  const openHelpers = (): MessagePort[] =>
    Array.from({ length: verifyHelperCount(navigator.hardwareConcurrency) }, () => {
      const { port1, port2 } = new MessageChannel();
      report({ type: 'verify-helper', port: port2 }, [port2]);
      return port1;
    });
  // The helpers have nothing but WebCrypto; what it lacks is computed by its one thread.
  const crypto = isLacking ? local : { ...local, ...createVerifyPool({ clock, local, openHelpers }) };
  const openDocumentRoom = (): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    report({ type: 'document-room', port: port2 }, [port2]);
    return port1;
  };
  const restart = (): void => report({ type: 'restart' });
  const erase = async (): Promise<string | null> => {
    const part = await loadPart(() => import('./erase.ts'));
    if (!part.ok) return part.error;
    await node.stop();
    store.close();
    const erased = await part.value.erasePlaces();
    // The answer to whoever asked has to leave before this worker does.
    clock.after(eraseGraceMs, restart);
    return erased.ok ? null : erased.error;
  };
  const transport = createWebrtcTransport({
    clock,
    random,
    Socket: WebSocket,
    pseudonym: createPseudonym({ store, crypto, clock, random }),
    urls: [signalUrl],
    relayPart: () => loadPart(() => import('../transports/relay-part.ts')),
    host: createRtcHostPort(rtcPort),
  });
  const node = await createNode({
    crypto,
    cryptoKind: isLacking ? 'fallback' : 'webcrypto',
    keyring: createWebcryptoKeyring({ store, random, crypto, subtle }),
    clock,
    random,
    store,
    blobs: async () => {
      const part = await loadPart(() => import('./open-node-blobs.ts'));
      return part.ok ? ok(await part.value.openNodeBlobs({ crypto, clock, random })) : part;
    },
    transport,
    pairing: async () => {
      const part = await loadPart(() => import('../transports/pairing.ts'));
      return part.ok ? ok(part.value.createPairingPort(transport.openPair)) : part;
    },
    search: wrap<SearchRoom>(searchPort),
    documents: createDocumentPort({ clock, open: openDocumentRoom }),
    fetchStatic,
    build,
    defaultSignalUrl: signalUrl,
    isOnline: () => navigator.onLine,
    isStoragePersisted: () => navigator.storage.persisted(),
    restart,
    erase,
  });
  await node.start();
  const windows = serveWindows({
    bus: node.bus,
    contractsByName,
    clock,
    node: bytesToText(random.bytes(9)),
    term: store.epoch,
    build,
  });
  windows.add(toWindowPort(windowPort));
  windows.add(openWindowsChannel());
  return node;
};

/** Long enough for the page to hear that all is gone, and to load itself anew. */
const eraseGraceMs = 1_000;

/** A file of this app's own folder: from the network, or from the service worker's cache. */
const fetchStatic = async (path: string): Promise<Uint8Array<ArrayBuffer> | null> => {
  try {
    const response = await fetch(`/${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // no network and not in the cache: asked again later
    throw error;
  }
};
