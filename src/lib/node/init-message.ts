/** Page to node worker. `init` comes first and once; the three ports are transferred with it. */
export type ToNodeWorker = InitMessage | WakeMessage;

export type InitMessage = {
  readonly type: 'init';
  /** Leads to the search worker. */
  readonly searchPort: MessagePort;
  /** Leads to the page's RTC host: RTCPeerConnection exists only on a page. */
  readonly rtcPort: MessagePort;
  /** The window of the tab that runs this node; those of other tabs come over the broadcast channel. */
  readonly windowPort: MessagePort;
  readonly build: string;
  /** The signalling server this build was made for; a person may have set another. */
  readonly signalUrl: string;
};

/** The page became visible again, the network came back: look at every link at once. */
export type WakeMessage = { readonly type: 'wake' };

/**
 * Node worker to page, over the worker's own port. trouble: why the node does not run, null when it does again;
 * fenced: another node has claimed the store, this one has to end; verify-helper: a thread that checks signatures is wanted
 * at the other end of this line; crypto-fallback: the thread is wanted that computes what WebCrypto lacks; restart: who this device is has changed, or it was erased, and the node has to start anew;
 * document-room: a thread in which documents are made is wanted at the other end of this line, in place of the one before.
 */
export type FromNodeWorker =
  | { readonly type: 'trouble'; readonly detail: string | null }
  | { readonly type: 'fenced' }
  | { readonly type: 'restart' }
  | { readonly type: 'verify-helper'; readonly port: MessagePort }
  | { readonly type: 'crypto-fallback'; readonly port: MessagePort }
  | { readonly type: 'document-room'; readonly port: MessagePort };
