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
  await connectRaw(from, to);
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

/**
 * The peer of a call: a short message there and back over such a channel, answered by the other page at once. Resolves with the
 * milliseconds of each.
 */
export const timeRawPings = async (from: Page, to: Page, most: number, pauseMs: number): Promise<number[]> => {
  await connectRaw(from, to);
  await to.evaluate(() =>
    rawChannel.channel.addEventListener('message', ({ data }) => rawChannel.channel.send(data as ArrayBuffer)),
  );
  const samples = await from.evaluate(pingRaw, [most, pauseMs] as const);
  for (const page of [from, to]) await page.evaluate(() => rawChannel.connection.close());
  return samples;
};

const connectRaw = async (from: Page, to: Page): Promise<void> => {
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
};

/** In the page. */
const pingRaw = async ([most, pauseMs]: readonly [number, number]): Promise<number[]> => {
  const samples: number[] = [];
  for (let at = 0; at < most; at++) {
    const before = performance.now();
    await new Promise<void>((resolve) => {
      rawChannel.channel.addEventListener('message', () => resolve(), { once: true });
      rawChannel.channel.send(new Uint8Array(120));
    });
    samples.push(performance.now() - before);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return samples;
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
