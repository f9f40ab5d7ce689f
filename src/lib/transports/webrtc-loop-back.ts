import { limits } from '../kernel/limits.ts';

/** `unclear`: no connection came about at all (no network, say), so nothing was learnt of channels. */
export type LoopBack = 'works' | 'fails' | 'unclear';

/**
 * Whether a data channel can be given to the worker here: one is, of a connection from this page to itself, and has to send back what
 * it gets. `give` hands the channel over in the same task in which it was made, as later is too late; it throws where that cannot be
 * done at all. It ends at once, unclear, with the signal.
 */
export const tryLoopBack = async (give: (channel: RTCDataChannel) => void, signal: AbortSignal): Promise<LoopBack> => {
  const connections: RTCPeerConnection[] = [];
  try {
    const near = new RTCPeerConnection();
    connections.push(near);
    const far = new RTCPeerConnection();
    connections.push(far);
    give(far.createDataChannel('loop', { negotiated: true, id: loopId }));
    return await goThere(near, far, signal);
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) return 'fails';
    throw error;
  } finally {
    for (const connection of connections) connection.close();
  }
};

const loopId = 100;
const loopText = 'there and back';
const loopWord = new TextEncoder().encode(loopText);

const goThere = async (near: RTCPeerConnection, far: RTCPeerConnection, signal: AbortSignal): Promise<LoopBack> => {
  const { promise, resolve } = Promise.withResolvers<LoopBack>();
  const unclear = (): void => resolve('unclear');
  signal.addEventListener('abort', unclear, { once: true });
  const noConnection = setTimeout(unclear, limits.loopBackMs);
  let noEcho: ReturnType<typeof setTimeout> | undefined;
  const channel = near.createDataChannel('loop', { negotiated: true, id: loopId });
  channel.binaryType = 'arraybuffer';
  channel.addEventListener('open', () => {
    clearTimeout(noConnection);
    noEcho = setTimeout(() => resolve('fails'), limits.loopBackEchoMs);
    channel.send(loopWord);
  });
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const isSame = data instanceof ArrayBuffer && new TextDecoder().decode(data) === loopText;
    resolve(isSame ? 'works' : 'fails');
  });
  connect(near, far, unclear).catch(unclear);
  const outcome = await promise;
  signal.removeEventListener('abort', unclear);
  clearTimeout(noConnection);
  clearTimeout(noEcho);
  return outcome;
};

const connect = async (near: RTCPeerConnection, far: RTCPeerConnection, refused: () => void): Promise<void> => {
  tellCandidates(near, far, refused);
  tellCandidates(far, near, refused);
  await near.setLocalDescription();
  await far.setRemoteDescription(descriptionOf(near));
  await far.setLocalDescription();
  await near.setRemoteDescription(descriptionOf(far));
};

const tellCandidates = (from: RTCPeerConnection, to: RTCPeerConnection, refused: () => void): void => {
  from.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate && to.signalingState !== 'closed') to.addIceCandidate(candidate).catch(refused);
  });
};

const descriptionOf = ({ localDescription }: RTCPeerConnection): RTCSessionDescription => {
  if (localDescription === null) throw new DOMException('closed meanwhile', 'InvalidStateError');
  return localDescription;
};
