/** The three lanes of traffic a carrier keeps apart, so that bulk never delays a call. */
export type Channel = 'sync' | 'rpc' | 'bulk';
export const channels: readonly Channel[] = ['sync', 'rpc', 'bulk'];

/**
 * An open two-way pipe to one other device, before anybody has proven anything: reliable and ordered within a channel,
 * messages of at most `limits.carrierMessageBytesMax`. Made by a Transport, used by the mesh only.
 */
export type Carrier = {
  readonly kind: 'webrtc' | 'memory';
  /** Exactly one of the two ends is the offerer. */
  readonly isOfferer: boolean;
  /** Both ends see the same bytes and nobody between them can make them so: the DTLS fingerprints, offerer's first. */
  readonly binding: Uint8Array;
  /** False when the pipe is closed or the bytes could not be queued; nothing is half sent. */
  send(channel: Channel, message: Uint8Array): boolean;
  /** Bytes queued and not yet on the wire. */
  bufferedBytes(channel: Channel): number;
  /** Called once by the mesh. Messages that came earlier are kept and delivered then. */
  listen(handlers: {
    message(channel: Channel, message: Uint8Array): void;
    drain(channel: Channel): void;
    closed(reason: string): void;
  }): void;
  close(): void;
};

/** Where devices that share a key meet: a tag that says nothing to the server, and the key that seals what they say there. */
export type MeetingPlace = {
  readonly tag: string;
  readonly key: Uint8Array<ArrayBuffer>;
  /** What this device is called there (text, the same length for all); the smaller one offers, so no two offers cross. */
  readonly selfId: string;
  /** Asked for each participant heard of: may a pipe be opened to it now? */
  wants(participant: string): boolean;
  onCarrier(carrier: Carrier, participant: string): void;
};

export type SignallingState = {
  readonly url: string;
  readonly state: 'off' | 'connecting' | 'open' | 'lost';
  readonly since: number;
};

/** A way to reach other devices. `meet` is called for the community's place and for each open invite; the returned function leaves. */
export type Transport = {
  meet(place: MeetingPlace): () => void;
  /** Looks again at once (the page woke, the network came back). */
  probe(): void;
  state(): {
    readonly signalling: SignallingState;
    readonly candidates: 'unknown' | 'some' | 'none';
    readonly isAvailable: boolean;
  };
  onState(listener: () => void): () => void;
  setSignalUrl(url: string): void;
  stop(): void;
};
