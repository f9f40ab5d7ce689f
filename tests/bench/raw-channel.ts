import type { Page } from '@playwright/test';

declare global {
  var rawChannel: { connection: RTCPeerConnection; channel: RTCDataChannel; got: number };
}

const messageBytes = 60 * 1024;
const highBytes = 1024 * 1024;

/**
 * The peer: one data channel between two pages and nothing else, with messages as long as ours and the same mark for its queue.
 * The descriptions go through the test, as by hand. Resolves with the milliseconds from the first byte to the last.
 */
export const timeRawChannel = async (from: Page, to: Page, bytes: number): Promise<number> => {
  const offer = await from.evaluate(openRaw, null);
  const answer = await to.evaluate(openRaw, offer);
  await from.evaluate((sdp) => rawChannel.connection.setRemoteDescription({ type: 'answer', sdp }), answer);
  await from.evaluate(
    () =>
      new Promise<void>((resolve) => {
        if (rawChannel.channel.readyState === 'open') return resolve();
        rawChannel.channel.addEventListener('open', () => resolve());
      }),
  );
  const start = performance.now();
  await Promise.all([
    from.evaluate(sendRaw, [bytes, messageBytes, highBytes] as const),
    to.evaluate(
      (wanted) =>
        new Promise<void>((resolve) => {
          const look = (): void => (rawChannel.got >= wanted ? resolve() : void setTimeout(look, 5));
          look();
        }),
      bytes,
    ),
  ]);
  const ms = performance.now() - start;
  for (const page of [from, to]) await page.evaluate(() => rawChannel.connection.close());
  return ms;
};

/** In the page. Without an offer it makes one; with one it answers. Resolves with the description, all candidates in it. */
const openRaw = async (offer: string | null): Promise<string> => {
  const connection = new RTCPeerConnection();
  const channel = connection.createDataChannel('raw', { negotiated: true, id: 7 });
  channel.binaryType = 'arraybuffer';
  globalThis.rawChannel = { connection, channel, got: 0 };
  channel.addEventListener('message', ({ data }) => void (rawChannel.got += (data as ArrayBuffer).byteLength));
  if (offer !== null) await connection.setRemoteDescription({ type: 'offer', sdp: offer });
  await connection.setLocalDescription();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (connection.iceGatheringState === 'complete') resolve();
    };
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });
  return connection.localDescription?.sdp ?? '';
};

/** In the page. */
const sendRaw = async ([bytes, size, high]: readonly [number, number, number]): Promise<void> => {
  const { channel } = rawChannel;
  channel.bufferedAmountLowThreshold = high / 4;
  const message = new Uint8Array(size);
  for (let sent = 0; sent < bytes; sent += size) {
    if (channel.bufferedAmount > high)
      await new Promise<void>((resolve) => {
        channel.addEventListener('bufferedamountlow', () => resolve(), { once: true });
      });
    channel.send(message.subarray(0, Math.min(size, bytes - sent)));
  }
};
