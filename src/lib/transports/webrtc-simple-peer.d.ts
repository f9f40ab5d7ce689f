/** The part of simple-peer 9.11 that is used. Its bundle for browsers is imported, because its source needs Node's modules. */
declare module 'simple-peer/simplepeer.min.js' {
  export type SimplePeerDescription = { readonly type?: string; readonly sdp?: string };
  export type SimplePeerOptions = {
    readonly initiator: boolean;
    readonly trickle: boolean;
    readonly iceCompleteTimeout: number;
    readonly config: RTCConfiguration;
    readonly wrtc: {
      readonly RTCPeerConnection: new (configuration?: RTCConfiguration) => RTCPeerConnection;
      readonly RTCSessionDescription: typeof RTCSessionDescription;
      readonly RTCIceCandidate: typeof RTCIceCandidate;
    };
  };
  export default class SimplePeer {
    constructor(options: SimplePeerOptions);
    signal(description: { readonly type: 'offer' | 'answer'; readonly sdp: string }): void;
    destroy(): void;
    on(event: 'signal', listener: (description: SimplePeerDescription) => void): void;
    on(event: 'error', listener: (error: Error & { readonly code?: string }) => void): void;
    on(event: 'close', listener: () => void): void;
  }
}
