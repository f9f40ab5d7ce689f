import type { Channel, PipePath } from '../kernel/ports/transport.ts';

/** A STUN or TURN server, as `RTCPeerConnection` takes it; this type is known to workers too. */
export type IceServer = {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
};

/** Who drives the data channels of a connection: the node worker itself, or the page, which forwards every message. */
export type ChannelHands = 'worker' | 'page';

/**
 * What the node worker, which has no RTCPeerConnection, and the page, which has, say to each other. `peer` is a number the worker
 * chose. Bytes travel as transferred ArrayBuffers, channels as themselves where the browser can do that. Both sides are this build's
 * own code; the port ends with the page.
 */
export type RtcRequest =
  /** For every connection opened from now on, in place of those told before. */
  | { readonly type: 'ice-servers'; readonly servers: readonly IceServer[] }
  /** A pair: the other end offers too, and what is accepted is an answer that was made up here. */
  | { readonly type: 'open'; readonly peer: number; readonly isOfferer: boolean; readonly isPair?: boolean }
  | { readonly type: 'accept'; readonly peer: number; readonly sdp: string }
  | { readonly type: 'send'; readonly peer: number; readonly channel: Channel; readonly message: ArrayBuffer }
  /** So many more bytes of this peer's messages were taken in; what is not taken is bounded on the page. */
  | { readonly type: 'took'; readonly peer: number; readonly bytes: number }
  | { readonly type: 'close'; readonly peer: number };

export type RtcReport =
  /** First, and again when the hands have changed: can this page make connections at all, and who will drive their channels? */
  | { readonly type: 'ready'; readonly isAvailable: boolean; readonly hands: ChannelHands }
  /** Send back once what comes in on this channel; the page learns by it whether channels work here. */
  | { readonly type: 'echo'; readonly channel: RTCDataChannel }
  /** The worker's own from now on, of a connection that was just made; three of them, before anything else of that peer. */
  | { readonly type: 'channel'; readonly peer: number; readonly channel: Channel; readonly data: RTCDataChannel }
  | { readonly type: 'described'; readonly peer: number; readonly sdp: string }
  /** All three channels are open. Told only of channels that the page drives; so are `message` and `sent`. */
  | { readonly type: 'opened'; readonly peer: number }
  | { readonly type: 'message'; readonly peer: number; readonly channel: Channel; readonly message: ArrayBuffer }
  /** So many more of the bytes handed over have left the channel's queue. */
  | { readonly type: 'sent'; readonly peer: number; readonly channel: Channel; readonly bytes: number }
  /** The way the connection takes, as the browser says; again when it is another one. */
  | { readonly type: 'path'; readonly peer: number; readonly path: PipePath }
  | { readonly type: 'closed'; readonly peer: number; readonly reason: string };

/** What one connection says of itself. */
export type RtcPeerReport = Exclude<RtcReport, { type: 'ready' } | { type: 'echo' }>;

/** The worker's end. */
export type RtcHostPort = {
  post(request: RtcRequest, transfer?: ArrayBuffer[]): void;
  /** Called once, by the transport. */
  listen(listener: (report: RtcReport) => void): void;
};

/** The worker's end over a MessagePort whose other end the page gave to `serveRtcHost`. */
export const createRtcHostPort = (port: MessagePort): RtcHostPort => ({
  post: (request, transfer = []) => port.postMessage(request, transfer),
  listen: (listener) => {
    port.addEventListener('message', (event: MessageEvent<RtcReport>) => listener(event.data));
    port.start();
  },
});
