import type { Channel } from '../kernel/ports/transport.ts';

/**
 * What the node worker, which has no RTCPeerConnection, and the page, which has, say to each other. `peer` is a number the worker
 * chose. Bytes travel as transferred ArrayBuffers. Both sides are this build's own code; the port ends with the page.
 */
export type RtcRequest =
  | { readonly type: 'open'; readonly peer: number; readonly isOfferer: boolean }
  | { readonly type: 'accept'; readonly peer: number; readonly sdp: string }
  | { readonly type: 'send'; readonly peer: number; readonly channel: Channel; readonly message: ArrayBuffer }
  /** So many more bytes of this peer's messages were taken in; what is not taken is bounded on the page. */
  | { readonly type: 'took'; readonly peer: number; readonly bytes: number }
  | { readonly type: 'close'; readonly peer: number };

export type RtcReport =
  /** First, once: can this page make connections at all? */
  | { readonly type: 'ready'; readonly isAvailable: boolean }
  | { readonly type: 'described'; readonly peer: number; readonly sdp: string }
  /** All three channels are open. */
  | { readonly type: 'opened'; readonly peer: number }
  | { readonly type: 'message'; readonly peer: number; readonly channel: Channel; readonly message: ArrayBuffer }
  /** So many more of the bytes handed over have left the channel's queue. */
  | { readonly type: 'sent'; readonly peer: number; readonly channel: Channel; readonly bytes: number }
  | { readonly type: 'closed'; readonly peer: number; readonly reason: string };

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
