import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok } from '../../src/lib/kernel/result.ts';
import { createRelayPart } from '../../src/lib/transports/relay-part.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { channels, type Carrier } from '../../src/lib/kernel/ports/transport.ts';
import { serveRtcHost } from '../../src/lib/transports/webrtc-host.ts';
import {
  createRtcHostPort,
  type ChannelHands,
  type RtcReport,
  type RtcRequest,
} from '../../src/lib/transports/webrtc-port.ts';
import { createWebrtcTransport } from '../../src/lib/transports/webrtc.ts';
import { runTransportContract } from '../contracts/transport-contract.ts';
import { bring } from '../contracts/transport-people.ts';
import { createHubKey, createMeshHub } from '../contracts/transport-mesh-hub.ts';
import { systemClock, systemRandom, type TransportWorld } from '../contracts/transport-world.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const waitFor = async (what: string, check: () => boolean): Promise<void> => {
  for (const endsAt = Date.now() + 20_000; !check(); await pause(10)) {
    if (Date.now() > endsAt) throw new Error(`never came true: ${what}`);
  }
};

/** Real connections between peers in this page, over a signalling server in memory. */
const createWorld =
  (hands: ChannelHands = 'worker') =>
  (): TransportWorld => {
    const hub = createMeshHub(systemClock);
    const stops: (() => void)[] = [];
    return {
      transport: () => {
        const { port1, port2 } = new MessageChannel();
        const stopHost = serveRtcHost(port1, { hands });
        const transport = createWebrtcTransport({
          clock: systemClock,
          random: systemRandom,
          Socket: hub.Socket,
          pseudonym: createHubKey(systemRandom.bytes(32)),
          urls: ['ws://hub/mesh'],
          relayPart: async () => ok({ createRelayPart }),
          host: createRtcHostPort(port2),
        });
        stops.push(transport.stop, stopHost);
        return transport;
      },
      until: waitFor,
      settle: () => pause(1_500),
      stranger: hub.stranger,
      dispose: async () => {
        for (const stop of stops) stop();
      },
    };
  };

runTransportContract({ name: 'webrtc in Chromium', createWorld: createWorld(), hasServer: true });
runTransportContract({
  name: 'webrtc in Chromium, forwarded by the page',
  createWorld: createWorld('page'),
  hasServer: true,
});

describe.each(['worker', 'page'] as const)('webrtc in Chromium, channels driven by the %s', (hands) => {
  let world: TransportWorld;
  beforeEach(() => {
    world = createWorld(hands)();
  });
  afterEach(() => world.dispose());

  it('says that it found ways to reach this device', async () => {
    const anna = bring(world, 'anna');
    expect(anna.transport.state()).toMatchObject({ candidates: 'unknown', isAvailable: false });
    const bora = bring(world, 'bora');
    await world.until('they are linked', () => anna.pipes.length === 1 && bora.pipes.length === 1);
    expect(anna.transport.state()).toMatchObject({
      candidates: 'some',
      isAvailable: true,
      hands,
      signalling: { state: 'open' },
    });
  });

  it('carries ten megabytes each way at once, sending again whenever the queue has drained', async () => {
    const anna = bring(world, 'anna', { isLateListener: true });
    const bora = bring(world, 'bora', { isLateListener: true });
    await world.until('they are linked', () => anna.pipes.length === 1 && bora.pipes.length === 1);
    const arrived = [pour(anna.pipes[0]?.carrier), pour(bora.pipes[0]?.carrier)];
    await world.until('all of it has arrived', () => arrived.every((count) => count() === 200));
  });

  it('makes forty connections at once and says of each that it is closed when it was asked to close it', async () => {
    const { port1, port2 } = new MessageChannel();
    const stop = serveRtcHost(port1, { hands });
    const open = new Set<number>();
    const request = (message: RtcRequest) => port2.postMessage(message);
    let described = 0;
    port2.addEventListener('message', ({ data }: MessageEvent<RtcReport>) => {
      if (data.type === 'described') described += 1;
      if (data.type === 'closed') open.delete(data.peer);
    });
    port2.start();
    for (let peer = 1; peer <= 40; peer++) {
      open.add(peer);
      request({ type: 'open', peer, isOfferer: true });
    }
    await world.until('all have described themselves', () => described === 40);
    for (const peer of open) request({ type: 'close', peer });
    await world.until('all are closed', () => open.size === 0);
    stop();
  });
});

describe('the page, facing a browser that is not ours', () => {
  /** A host with one answering peer, and a bare connection that has our three channels and says what it likes. */
  const face = async (): Promise<{
    channel: RTCDataChannel;
    reports: RtcReport[];
    untilClosed: () => Promise<string>;
    stop: () => void;
  }> => {
    const { port1, port2 } = new MessageChannel();
    const stopHost = serveRtcHost(port1, { hands: 'page' });
    const reports: RtcReport[] = [];
    const request = (message: RtcRequest) => port2.postMessage(message);
    const connection = new RTCPeerConnection();
    const bare = [101, 102, 103].map((id) => connection.createDataChannel('bare', { negotiated: true, id }));
    port2.addEventListener('message', ({ data }: MessageEvent<RtcReport>) => {
      reports.push(data);
      if (data.type === 'described') void connection.setRemoteDescription({ type: 'answer', sdp: data.sdp });
    });
    port2.start();
    await connection.setLocalDescription();
    await waitFor('candidates are gathered', () => connection.iceGatheringState === 'complete');
    request({ type: 'open', peer: 1, isOfferer: false });
    request({ type: 'accept', peer: 1, sdp: connection.localDescription?.sdp ?? '' });
    await waitFor(
      'the connection is open',
      () => reports.some(({ type }) => type === 'opened') && bare.every(({ readyState }) => readyState === 'open'),
    );
    const [, , channel] = bare;
    if (channel === undefined) throw new Error('there are three channels');
    const reasonOf = (): string | undefined =>
      reports.flatMap((report) => (report.type === 'closed' ? [report.reason] : []))[0];
    return {
      channel,
      reports,
      untilClosed: async () => {
        await waitFor('the page closes it', () => reasonOf() !== undefined);
        return reasonOf() ?? '';
      },
      stop: () => {
        connection.close();
        stopHost();
      },
    };
  };

  it('ends a connection that sends text', async () => {
    const { channel, untilClosed, stop } = await face();
    channel.send('hello');
    expect(await untilClosed()).toBe('message-not-binary');
    stop();
  });

  it('ends a connection that sends a message larger than any may be', async () => {
    const { channel, untilClosed, reports, stop } = await face();
    channel.send(new Uint8Array(limits.carrierMessageBytesMax));
    channel.send(new Uint8Array(limits.carrierMessageBytesMax + 1));
    expect(await untilClosed()).toBe('message-too-large');
    expect(reports.filter(({ type }) => type === 'message')).toHaveLength(1);
    stop();
  });

  it('ends a connection that pours more than the worker takes', async () => {
    const { channel, untilClosed, stop } = await face();
    for (let bytes = 0; bytes <= limits.rtcUntakenBytesMax && channel.readyState === 'open'; bytes += 60_000) {
      await waitFor('there is room to send', () => channel.bufferedAmount < 1_000_000);
      channel.send(new Uint8Array(60_000));
    }
    expect(await untilClosed()).toBe('worker-overrun');
    stop();
  });

  it('answers a description that is none with an end, and goes on serving', async () => {
    const { port1, port2 } = new MessageChannel();
    const stopHost = serveRtcHost(port1, { hands: 'page' });
    const reports: RtcReport[] = [];
    port2.addEventListener('message', ({ data }: MessageEvent<RtcReport>) => void reports.push(data));
    port2.start();
    const request = (message: RtcRequest) => port2.postMessage(message);
    request({ type: 'open', peer: 1, isOfferer: false });
    request({ type: 'accept', peer: 1, sdp: 'nonsense' });
    request({ type: 'open', peer: 2, isOfferer: true });
    request({ type: 'send', peer: 9, channel: 'rpc', message: new ArrayBuffer(8) });
    await waitFor('one ended and the other described itself', () => reports.length >= 3);
    expect(reports).toEqual([
      { type: 'ready', isAvailable: true, hands: 'page' },
      { type: 'closed', peer: 1, reason: 'ERR_SET_REMOTE_DESCRIPTION' },
      { type: 'described', peer: 2, sdp: expect.stringContaining('a=candidate:') },
    ]);
    stopHost();
  });
});

/** Sends 200 messages of 50 kB on bulk as fast as they are taken; returns how many have come in and were the right ones. */
const pour = (carrier: Carrier | undefined): (() => number) => {
  let sent = 0;
  let came = 0;
  const more = (): void => {
    while (sent < 200 && carrier?.send('bulk', new Uint8Array(50_000).fill(sent)) === true) sent += 1;
  };
  carrier?.listen({
    message: (channel, message) => {
      if (
        channel === channels[2] &&
        message.length === 50_000 &&
        message[0] === came % 256 &&
        message.at(-1) === came % 256
      )
        came += 1;
    },
    drain: more,
    closed: () => {},
  });
  more();
  return () => came;
};
