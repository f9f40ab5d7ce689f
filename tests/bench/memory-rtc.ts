/**
 * Peer connections in memory, as much of them as simple-peer uses: what stock y-webrtc needs to run in Node over memory pipes.
 * Messages arrive in order on a later turn of the event loop; one above `maxMessageBytes` throws, as Chromium's does.
 */
export const createMemoryRtc = (onSend: (message: Uint8Array) => void) => {
  const connectionsById = new Map<string, MemoryConnection>();
  let made = 0;

  class MemoryConnection {
    readonly id = `${(made += 1)}`;
    signalingState = 'stable';
    iceConnectionState = 'new';
    iceGatheringState = 'complete';
    connectionState = 'new';
    localDescription: Description | null = null;
    remoteDescription: Description | null = null;
    channel: MemoryChannel | null = null;
    oniceconnectionstatechange: (() => void) | null = null;
    ondatachannel: ((event: { channel: MemoryChannel }) => void) | null = null;
    createDataChannel(label: string): MemoryChannel {
      this.channel = createChannel(label, onSend);
      return this.channel;
    }
    async createOffer(): Promise<Description> {
      return { type: 'offer', sdp: this.id };
    }
    async createAnswer(): Promise<Description> {
      return { type: 'answer', sdp: `${this.remoteDescription?.sdp} ${this.id}` };
    }
    async setLocalDescription(description: Description): Promise<void> {
      connectionsById.set(this.id, this);
      this.localDescription = description;
    }
    async setRemoteDescription(description: Description): Promise<void> {
      this.remoteDescription = description;
      if (description.type !== 'answer') return;
      const other = connectionsById.get(description.sdp.split(' ')[1] ?? '');
      if (other) connect(this, other);
    }
    async getStats(): Promise<object[]> {
      return [{ id: 'pair', type: 'candidate-pair', selected: true }];
    }
    close(): void {
      connectionsById.delete(this.id);
      this.channel?.close();
    }
  }

  const connect = (offerer: MemoryConnection, answerer: MemoryConnection): void => {
    const near = offerer.channel;
    if (!near) return;
    const far = answerer.createDataChannel(near.label);
    near.other = far;
    far.other = near;
    setImmediate(() => {
      for (const end of [offerer, answerer]) {
        end.iceConnectionState = 'connected';
        end.connectionState = 'connected';
        end.oniceconnectionstatechange?.();
      }
      answerer.ondatachannel?.({ channel: far });
      for (const channel of [near, far]) {
        channel.readyState = 'open';
        channel.onopen?.();
      }
    });
  };

  class SessionDescription {
    readonly type: string;
    readonly sdp: string;
    constructor({ type, sdp }: Description) {
      this.type = type;
      this.sdp = sdp;
    }
  }
  return {
    RTCPeerConnection: MemoryConnection,
    RTCSessionDescription: SessionDescription,
    RTCIceCandidate: SessionDescription,
  };
};

type Description = { readonly type: string; readonly sdp: string };
type MemoryChannel = ReturnType<typeof createChannel>;

/** What Chromium's data channels announce (`a=max-message-size`). */
const maxMessageBytes = 262_144;

const createChannel = (label: string, onSend: (message: Uint8Array) => void) => {
  const channel = {
    label,
    readyState: 'connecting',
    binaryType: 'arraybuffer',
    bufferedAmount: 0,
    bufferedAmountLowThreshold: 0,
    other: null as { onmessage: ((event: { data: ArrayBuffer }) => void) | null } | null,
    onopen: null as (() => void) | null,
    onmessage: null as ((event: { data: ArrayBuffer }) => void) | null,
    onclose: null as (() => void) | null,
    send: (message: Uint8Array): void => {
      if (message.length > maxMessageBytes) throw new TypeError('Message too large');
      onSend(message);
      const data = message.slice().buffer as ArrayBuffer;
      const { other } = channel;
      setImmediate(() => other?.onmessage?.({ data }));
    },
    close: (): void => {
      channel.readyState = 'closed';
    },
  };
  return channel;
};
