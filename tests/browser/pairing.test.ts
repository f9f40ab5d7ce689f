import { afterEach, describe, expect, it } from 'vitest';
import { encodePairingCode, parsePairingCode } from '../../src/lib/crypto/pairing-code.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { PairFacts, PairPipe } from '../../src/lib/kernel/ports/pairing.ts';
import type { Carrier } from '../../src/lib/kernel/ports/transport.ts';
import { createPairingPort } from '../../src/lib/transports/pairing.ts';
import { serveRtcHost } from '../../src/lib/transports/webrtc-host.ts';
import { createRtcPeers } from '../../src/lib/transports/webrtc-peers.ts';
import { createRtcHostPort } from '../../src/lib/transports/webrtc-port.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

type Half = {
  readonly pipe: PairPipe;
  readonly facts: Promise<PairFacts>;
  readonly carrier: Promise<Carrier>;
  readonly reasons: string[];
};

/** The next page is another device's: browsers keep their certificate, and here all pages are in one. */
const inAnotherBrowser = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase('hearthnet-pairing');
    request.addEventListener('success', () => resolve());
    request.addEventListener('error', () => reject(request.error ?? new Error('not deleted')));
  });

/** Anna's browser and Bora's, both with their codes ready. */
const annaAndBora = async () => {
  const anna = await bring();
  const annas = await anna.facts;
  await inAnotherBrowser();
  const bora = await bring();
  return { anna, bora, annas, boras: await bora.facts };
};

/** One person's page and worker, as far as a pairing needs them. */
const bring = async (): Promise<Half> => {
  const { port1, port2 } = new MessageChannel();
  stops.push(serveRtcHost(port1));
  const facts = Promise.withResolvers<PairFacts>();
  const carrier = Promise.withResolvers<Carrier>();
  const reasons: string[] = [];
  const ready = Promise.withResolvers<void>();
  const peers = createRtcPeers({
    host: createRtcHostPort(port2),
    changed: () => {},
    becameAvailable: ready.resolve,
    refused: () => {},
  });
  stops.push(peers.closeAll);
  await ready.promise;
  const pipe = createPairingPort(peers.openPair).open({
    described: facts.resolve,
    opened: carrier.resolve,
    closed: (reason) => void reasons.push(reason),
  });
  if (!pipe) throw new Error('no pipe');
  return { pipe, facts: facts.promise, carrier: carrier.promise, reasons };
};

const subtle = createWebCrypto(crypto.subtle);
const key = new Uint8Array(32).fill(7);

/** What the other one reads from the screen: the facts went through a code of a hundred bytes and lost what does not fit. */
const throughCode = async (facts: PairFacts): Promise<PairFacts> => {
  const code = { role: 'member', minute: 1, device: new Uint8Array(8), facts } as const;
  const bytes = await encodePairingCode(subtle, code, key);
  expect(bytes?.length).toBeLessThanOrEqual(limits.pairingBytesMax);
  const parsed = parsePairingCode(bytes ?? new Uint8Array(0));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.facts;
};

const firstMessage = (carrier: Carrier): Promise<number[]> =>
  new Promise((resolve) => {
    carrier.listen({ message: (_channel, message) => resolve([...message]), drain: () => {}, closed: () => {} });
  });

describe('two pages in Chromium that were told of each other on their screens', () => {
  it('are linked without any server: both offered, each made up the answer, one of them leads and both bind to the same', async () => {
    const { anna, bora, annas, boras } = await annaAndBora();
    anna.pipe.connect(await throughCode(boras));
    bora.pipe.connect(await throughCode(annas));
    const [one, other] = await Promise.all([anna.carrier, bora.carrier]);
    expect([one.isOfferer, other.isOfferer].toSorted()).toEqual([false, true]);
    expect(one.binding).toEqual(other.binding);
    expect(one.binding.length).toBe(32);
    const heard = firstMessage(other);
    expect(one.send('sync', Uint8Array.of(1, 2, 3))).toBe(true);
    expect(await heard).toEqual([1, 2, 3]);
  });

  it('a year of pairings shows the same certificate: the longest part of a code on paper stays true', async () => {
    const [first, second] = [await bring(), await bring()];
    expect((await first.facts).fingerprint).toEqual((await second.facts).fingerprint);
  });

  it('whoever answers with another certificate than the code said is not let in, and it is said why', async () => {
    const { anna, bora, annas, boras } = await annaAndBora();
    anna.pipe.connect({ ...boras, fingerprint: new Uint8Array(32).fill(0xff) });
    bora.pipe.connect({ ...annas, fingerprint: new Uint8Array(32).fill(0xfe) });
    await expect.poll(() => [...anna.reasons, ...bora.reasons], { timeout: 20_000 }).toContain('dtls-failed');
  });
});
