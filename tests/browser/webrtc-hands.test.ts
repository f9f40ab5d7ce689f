import { transfer, wrap, type Remote } from 'comlink';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { serveRtcHost, type RtcHostOptions } from '../../src/lib/transports/webrtc-host.ts';
import type { RtcReport } from '../../src/lib/transports/webrtc-port.ts';
import type { RemotePeers } from './webrtc-peers.worker.ts';

type Tab = {
  readonly peers: Remote<RemotePeers>;
  /** What the page said to the worker, and the worker to the page, by type. */
  readonly said: string[];
  readonly asked: string[];
};
type TabWish = RtcHostOptions & {
  /** What a browser does with a channel that is to be given away: `false` and it is lost on the way, 'throws' as where none can be. */
  readonly giving?: (report: RtcReport) => boolean | 'throws';
};

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const until = async (what: string, check: () => boolean | Promise<boolean>): Promise<void> => {
  for (const endsAt = Date.now() + 20_000; !(await check()); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (Date.now() > endsAt) throw new Error(`never came true: ${what}`);
};

/** A page with its host and a worker of its own, as the app has them. */
const openTab = async ({ giving = () => true, ...options }: TabWish = {}): Promise<Tab> => {
  const worker = new Worker(new URL('./webrtc-peers.worker.ts', import.meta.url), { type: 'module' });
  const { port1, port2 } = new MessageChannel();
  const peers = wrap<RemotePeers>(worker);
  await peers.start(transfer(port2, [port2]));
  const said: string[] = [];
  const asked: string[] = [];
  const post = port1.postMessage.bind(port1);
  Object.assign(port1, {
    postMessage: (report: RtcReport, given: Transferable[]): void => {
      said.push(report.type);
      const isGiven = giving(report);
      if (isGiven === 'throws') throw new DOMException('cannot be given away', 'DataCloneError');
      if (isGiven) post(report, given);
    },
  });
  port1.addEventListener('message', ({ data }) => void asked.push(data.type));
  const stop = serveRtcHost(port1, options);
  stops.push(() => {
    stop();
    worker.terminate();
  });
  return { peers, said, asked };
};
const ready = async (tab: Tab): Promise<Tab> => {
  await until('the page has chosen', async () => (await tab.peers.hands()) !== null);
  return tab;
};

/** Anna offers, Bora answers; resolves with the numbers of their pipes when both are open. */
const connect = async (anna: Tab, bora: Tab): Promise<[number, number]> => {
  const [offering, answering] = [await anna.peers.open('offerer'), await bora.peers.open('answerer')];
  if (offering === null || answering === null) throw new Error('no pipe');
  await until('anna has described herself', async () => (await anna.peers.sdp(offering)) !== '');
  await bora.peers.accept(answering, await anna.peers.sdp(offering));
  await until('bora has described himself', async () => (await bora.peers.sdp(answering)) !== '');
  await anna.peers.accept(offering, await bora.peers.sdp(answering));
  await until('both are open', async () => (await anna.peers.isOpen(offering)) && bora.peers.isOpen(answering));
  return [offering, answering];
};

const word = (byte: number): Uint8Array => new Uint8Array(3).fill(byte);

describe('channels in the hands of the worker', () => {
  it('carry what anna and bora say without a message passing through the page', async () => {
    const [anna, bora] = [await ready(await openTab()), await ready(await openTab())];
    expect([await anna.peers.hands(), await bora.peers.hands()]).toEqual(['worker', 'worker']);
    const [toBora, toAnna] = await connect(anna, bora);
    await anna.peers.send(toBora, 'rpc', word(1));
    await bora.peers.send(toAnna, 'bulk', word(2));
    await until('both have heard', async () =>
      [(await bora.peers.heard(toAnna)).length, (await anna.peers.heard(toBora)).length].every((count) => count === 1),
    );
    expect([await bora.peers.heard(toAnna), await anna.peers.heard(toBora)]).toEqual([['rpc 3 1'], ['bulk 3 2']]);
    for (const { said, asked } of [anna, bora]) {
      expect(said.slice(0, 6)).toEqual(['echo', 'ready', 'channel', 'channel', 'channel', 'described']);
      expect(said.filter((type) => ['opened', 'message', 'sent'].includes(type))).toEqual([]);
      expect(asked).not.toContain('send');
    }
  });

  it('reach a page that forwards, and are reached by it', async () => {
    const [anna, bora] = [await ready(await openTab()), await ready(await openTab({ hands: 'page' }))];
    expect([await anna.peers.hands(), await bora.peers.hands()]).toEqual(['worker', 'page']);
    const [toBora, toAnna] = await connect(anna, bora);
    await anna.peers.send(toBora, 'sync', word(1));
    await bora.peers.send(toAnna, 'sync', word(2));
    await until('bora has heard', async () => (await bora.peers.heard(toAnna)).length === 1);
    await until('anna has heard', async () => (await anna.peers.heard(toBora)).length === 1);
    expect(bora.said).toContain('message');
    await anna.peers.end(toBora);
    await until('bora hears of the end', async () => (await bora.peers.ends(toAnna)).length === 1);
  });

  it('let a call overtake the bulk that was sent before it', async () => {
    const [anna, bora] = [await ready(await openTab()), await ready(await openTab())];
    const [toBora, toAnna] = await connect(anna, bora);
    const filled = await anna.peers.fillBulkThenCall(toBora);
    await until('all has come', async () => (await bora.peers.heard(toAnna)).length === filled + 1);
    const heard = await bora.peers.heard(toAnna);
    expect(filled).toBeGreaterThan(10);
    expect(heard.indexOf('rpc 1 7')).toBeLessThan(filled / 2);
  });

  it('end the connection of a browser that sends text, or a message larger than any may be', async () => {
    const tooMuch = [(channel: RTCDataChannel) => channel.send('hello')];
    tooMuch.push((channel) => channel.send(new Uint8Array(limits.carrierMessageBytesMax + 1)));
    const ends: string[][] = [];
    for (const speak of tooMuch) {
      const anna = await ready(await openTab());
      const bare = new RTCPeerConnection();
      stops.push(() => bare.close());
      const channels = [101, 102, 103].map((id) => bare.createDataChannel('bare', { negotiated: true, id }));
      const toBare = (await anna.peers.open('answerer')) ?? -1;
      await bare.setLocalDescription();
      await until('candidates are gathered', () => bare.iceGatheringState === 'complete');
      await anna.peers.accept(toBare, bare.localDescription?.sdp ?? '');
      await until('anna has described herself', async () => (await anna.peers.sdp(toBare)) !== '');
      await bare.setRemoteDescription({ type: 'answer', sdp: await anna.peers.sdp(toBare) });
      await until('it is open', () => channels.every(({ readyState }) => readyState === 'open'));
      for (const channel of channels.slice(0, 1)) speak(channel);
      await until('anna ends it', async () => (await anna.peers.ends(toBare)).length > 0);
      ends.push(await anna.peers.ends(toBare));
    }
    expect(ends).toEqual([['message-not-binary'], ['message-too-large']]);
  });
});

describe('a browser whose channels cannot be given away', () => {
  const givesNone = (report: RtcReport): boolean | 'throws' => (report.type === 'echo' ? 'throws' : true);
  const losesAll = ({ type }: RtcReport): boolean => type !== 'echo';
  const givesOnlyTheFirst = (report: RtcReport): boolean | 'throws' => (report.type === 'channel' ? 'throws' : true);

  it.each([
    ['says so', givesNone],
    ['loses them on the way', losesAll],
  ])('has them driven by its page, when it %s', async (_how, giving) => {
    const [anna, bora] = [await ready(await openTab({ giving })), await ready(await openTab())];
    expect(await anna.peers.hands()).toBe('page');
    const [toBora, toAnna] = await connect(anna, bora);
    await bora.peers.send(toAnna, 'rpc', word(5));
    await until('anna has heard', async () => (await anna.peers.heard(toBora)).length === 1);
  });

  it('has them driven by its page from the first that could not be given, although the trial went well', async () => {
    const [anna, bora] = [await ready(await openTab({ giving: givesOnlyTheFirst })), await ready(await openTab())];
    expect(await anna.peers.hands()).toBe('worker');
    const failed = (await anna.peers.open('offerer')) ?? -1;
    await until('that one ends', async () => (await anna.peers.ends(failed)).length === 1);
    expect([await anna.peers.hands(), await anna.peers.ends(failed)]).toEqual(['page', ['ERR_PC_CONSTRUCTOR']]);
    await connect(anna, bora);
  });
});

describe('many connections', () => {
  it('are freed when they end: of two thousand, twenty at a time, the browser refuses none', async () => {
    const anna = await ready(await openTab());
    const { peers } = anna;
    const reasons = new Set<string>();
    let madeCount = 0;
    while (madeCount < 2_000) {
      const ids = await Promise.all(Array.from({ length: 20 }, () => peers.open('offerer')));
      for (const id of ids) {
        if (id === null) throw new Error('no pipe');
        await until('it has described itself or was refused', async () => {
          return (await peers.sdp(id)) !== '' || (await peers.ends(id)).length > 0;
        });
        for (const reason of await peers.ends(id)) reasons.add(reason);
        if ((await peers.sdp(id)) !== '') madeCount += 1;
        await peers.end(id);
      }
    }
    // The page itself asks for patience, until the collector has come by; the browser never has to refuse.
    expect([...reasons].filter((reason) => reason !== 'no-room-on-page')).toEqual([]);
    await until('there is room again', async () => {
      const id = (await peers.open('offerer')) ?? -1;
      await until('it is known', async () => (await peers.sdp(id)) !== '' || (await peers.ends(id)).length > 0);
      return (await peers.sdp(id)) !== '';
    });
  }, 240_000);
});
