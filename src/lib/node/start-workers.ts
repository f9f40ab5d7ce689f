import { createStops, type Stop } from '../kernel/lifecycle.ts';
import type { DocumentWorkerMessage } from '../../../workers/document.worker.ts';
import type { FallbackWorkerMessage } from '../../../workers/fallback.worker.ts';
import type { SearchWorkerMessage } from '../../../workers/search.worker.ts';
import type { VerifyWorkerMessage } from '../../../workers/verify.worker.ts';
import type { FromNodeWorker, InitMessage, WakeMessage } from './init-message.ts';
import { onReturn } from './return-watch.ts';
import { toWindowPort, type WindowPort } from './window-port.ts';

export type NodeWorkers = {
  /** This tab's own window onto the node. */
  readonly windowPort: WindowPort;
  /** Ends both workers at once; what was not committed is not done. */
  stop(): void;
};

export type WorkerReports = {
  /** Why the node does not run; null when it does again. */
  readonly onTrouble: (detail: string | null) => void;
  /** Another node has claimed the store. */
  readonly onFenced: () => void;
  /** The node has to start anew, in new workers. */
  readonly onRestart: () => void;
};

/**
 * Starts the node and what it needs of this page: its worker, the search worker beside it with a channel of their own, and
 * the host for peer connections, which only a page can hold. Called by the tab that leads.
 */
export const startWorkers = (reports: WorkerReports): NodeWorkers => {
  const stops = createStops();
  const nodeWorker = new Worker(new URL('../../../workers/node.worker.ts', import.meta.url), {
    type: 'module',
    name: 'node',
  });
  stops.add(() => nodeWorker.terminate());
  const searchWorker = new Worker(new URL('../../../workers/search.worker.ts', import.meta.url), {
    type: 'module',
    name: 'search',
  });
  stops.add(() => searchWorker.terminate());
  listenTo(nodeWorker, searchWorker, reports);
  stops.add(helpToVerify(nodeWorker));
  stops.add(hostFallback(nodeWorker));
  stops.add(hostDocuments(nodeWorker));

  const search = new MessageChannel();
  const searchInit: SearchWorkerMessage = { port: search.port1 };
  searchWorker.postMessage(searchInit, [search.port1]);

  const rtc = new MessageChannel();
  stops.add(hostRtc(rtc.port1, reports));

  const windows = new MessageChannel();
  const windowPort = toWindowPort(windows.port1);
  stops.add(() => windowPort.close());

  const init: InitMessage = {
    type: 'init',
    searchPort: search.port2,
    rtcPort: rtc.port2,
    windowPort: windows.port2,
    build: __BUILD_ID__,
    signalUrl: defaultSignalUrl(),
  };
  nodeWorker.postMessage(init, [init.searchPort, init.rtcPort, init.windowPort]);
  const wake: WakeMessage = { type: 'wake' };
  stops.add(onReturn(() => nodeWorker.postMessage(wake)));
  return { windowPort, stop: stops.run };
};

/** The server this build names, or the one the page came from. */
const defaultSignalUrl = (): string =>
  __SIGNAL_URL__ || `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/mesh`;

const listenTo = (
  nodeWorker: Worker,
  searchWorker: Worker,
  { onTrouble, onFenced, onRestart }: WorkerReports,
): void => {
  nodeWorker.addEventListener('message', ({ data }: MessageEvent<FromNodeWorker>) => {
    if (data.type === 'trouble') onTrouble(data.detail);
    else if (data.type === 'fenced') onFenced();
    else if (data.type === 'restart') onRestart();
  });
  nodeWorker.addEventListener('error', (event) => onTrouble(`node worker: ${event.message || 'could not be loaded'}`));
  // Without its search worker the node still runs; what it cannot search it reports itself.
  searchWorker.addEventListener('error', (event) =>
    onTrouble(`search worker: ${event.message || 'could not be loaded'}`),
  );
};

/** Threads that check signatures, when the node wants some. They end by themselves when nothing is asked any more. */
const helpToVerify = (nodeWorker: Worker): Stop => {
  const helpers = new Set<Worker>();
  nodeWorker.addEventListener('message', ({ data }: MessageEvent<FromNodeWorker>) => {
    if (data.type !== 'verify-helper') return;
    const helper = new Worker(new URL('../../../workers/verify.worker.ts', import.meta.url), {
      type: 'module',
      name: 'verify',
    });
    // One that cannot be loaded answers nothing; the node notices and checks those signatures itself.
    helper.addEventListener('error', () => helpers.delete(helper));
    helper.addEventListener('message', () => helpers.delete(helper)); // the one thing it says: that it has ended
    helpers.add(helper);
    const init: VerifyWorkerMessage = { port: data.port };
    helper.postMessage(init, [data.port]);
  });
  return () => helpers.forEach((helper) => helper.terminate());
};

/** The thread for what this browser's WebCrypto lacks; asked for once, by a node that found it lacking. */
const hostFallback = (nodeWorker: Worker): Stop => {
  let fallback: Worker | null = null;
  nodeWorker.addEventListener('message', ({ data }: MessageEvent<FromNodeWorker>) => {
    if (data.type !== 'crypto-fallback') return;
    fallback ??= new Worker(new URL('../../../workers/fallback.worker.ts', import.meta.url), {
      type: 'module',
      name: 'fallback',
    });
    const init: FallbackWorkerMessage = { port: data.port };
    fallback.postMessage(init, [data.port]);
  });
  return () => fallback?.terminate();
};

/** The one thread in which documents are made, when the node wants one. It wants another when this one does not answer. */
const hostDocuments = (nodeWorker: Worker): Stop => {
  let room: Worker | null = null;
  nodeWorker.addEventListener('message', ({ data }: MessageEvent<FromNodeWorker>) => {
    if (data.type !== 'document-room') return;
    room?.terminate();
    room = new Worker(new URL('../../../workers/document.worker.ts', import.meta.url), {
      type: 'module',
      name: 'document',
    });
    const init: DocumentWorkerMessage = { port: data.port };
    room.postMessage(init, [data.port]);
  });
  return () => room?.terminate();
};

/** Loaded after the first screen: no peer connection is needed to paint it. */
const hostRtc = (port: MessagePort, { onTrouble }: WorkerReports): Stop => {
  const stops = createStops();
  stops.add(() => port.close());
  let isStopped = false;
  stops.add(() => (isStopped = true));
  import('../transports/webrtc-host.ts').then(
    ({ serveRtcHost }) => {
      if (!isStopped) stops.add(serveRtcHost(port));
    },
    (error: unknown) =>
      onTrouble(`peer connections: ${error instanceof Error ? error.message : 'could not be loaded'}`),
  );
  return stops.run;
};
