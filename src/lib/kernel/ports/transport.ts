import type { Mailboxes } from './mailbox.ts';
import type { Road } from './road.ts';

/** The three lanes of traffic a carrier keeps apart, so that bulk never delays a call. */
export type Channel = 'sync' | 'rpc' | 'bulk';
export const channels: readonly Channel[] = ['sync', 'rpc', 'bulk'];

/** local: both ends are in one network; turned: a TURN server passes the packets on. `address` is the other end's, as far as it is told. */
export type PipePath = { readonly reach: 'local' | 'direct' | 'turned'; readonly address: string | null };

/**
 * An open two-way pipe to one other device, before anybody has proven anything: reliable and ordered within a channel,
 * messages of at most `limits.carrierMessageBytesMax`. Made by a Transport, used by the mesh only.
 */
export type Carrier = {
  readonly kind: 'webrtc' | 'relay' | 'memory';
  /** Exactly one of the two ends is the offerer. */
  readonly isOfferer: boolean;
  /** Both ends see the same bytes and nobody between them can make them so: the DTLS fingerprints, offerer's first. */
  readonly binding: Uint8Array;
  /** False when the pipe is closed or the bytes could not be queued; nothing is half sent. */
  send(channel: Channel, message: Uint8Array): boolean;
  /** How the browser reaches the other end, once it has said so. Absent where there is no such thing to say. */
  path?(): PipePath | null;
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

/** A pipe straight between two devices, or one through a server that passes sealed frames on. */
export type PipeWay = 'direct' | 'relay';

/** Where devices that share a key meet: a tag that says nothing to the server, and the key that seals what they say there. */
export type MeetingPlace = {
  readonly tag: string;
  readonly key: Uint8Array<ArrayBuffer>;
  /** What this device is called there (text, the same length for all); the smaller one offers, so no two offers cross. */
  readonly selfId: string;
  /** Asked for each participant heard of: may a pipe be opened to it now, this way? A direct one may take the place of a relayed one. */
  wants(participant: string, way: PipeWay): boolean;
  /** False while no further pipe is looked for, though one may be taken: then this device announces itself seldom. */
  seeks?(): boolean;
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
    /** The one that is best connected. */
    readonly signalling: SignallingState;
    /** Every server that is tried, in order of preference. */
    readonly servers: readonly SignallingState[];
    readonly candidates: 'unknown' | 'some' | 'none';
    readonly isAvailable: boolean;
    /** Who drives the data channels of direct pipes: this worker itself, or the page for it; null while nobody has said. */
    readonly hands?: 'worker' | 'page' | null;
  };
  onState(listener: () => void): () => void;
  /** What the self-check tries out at the moment it is asked; absent where there is nothing to try. */
  readonly trials?: TransportTrials;
  /** In order of preference; none switches servers off. */
  setServers(urls: readonly string[]): void;
  /** Words of every place travel by this road too from now on; the returned function takes it away. */
  addRoad(road: Road): () => void;
  /** Hidden: no direct pipe stands or is made, so no neighbour learns this device's address; everything goes by a server. */
  setPrivacy(privacy: { readonly hidesAddress: boolean }): void;
  /** The boxes of the servers that are connected now. */
  readonly mailboxes: Mailboxes;
  stop(): void;
};

export type TransportTrials = {
  /** Whether this browser gathers an address to be reached at now. */
  gather(): Promise<'unknown' | 'some' | 'none'>;
  /** Milliseconds until a connected server answered at a meeting place made for this; null when none did in time. */
  meet(): Promise<number | null>;
};
