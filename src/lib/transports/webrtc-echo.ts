/** Sends one message back, when the channel is open: a given channel can bring its first message before that. */
export const echoOnce = (channel: RTCDataChannel): void => {
  channel.binaryType = 'arraybuffer';
  const answer = ({ data }: MessageEvent<unknown>): void => {
    if (!(data instanceof ArrayBuffer)) return;
    if (channel.readyState === 'open') channel.send(data);
    else channel.addEventListener('open', () => channel.send(data), { once: true });
  };
  channel.addEventListener('message', answer, { once: true });
};
