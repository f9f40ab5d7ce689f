import { createVerifyPool, verifyHelperCount } from '../../src/lib/crypto/verify-pool.ts';
import { createWebCrypto, signingKey } from '../../src/lib/crypto/webcrypto.ts';
import type { Bytes, CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createEventLog } from '../../src/lib/log/event-log.ts';
import { parseEvent, parseEventNow, verifyEvent } from '../../src/lib/log/event.ts';
import type { Incoming } from '../../src/lib/log/intake.ts';
import { createNeighbourhood } from '../../src/lib/log/neighbourhood.ts';
import { createReceiptBook } from '../../src/lib/log/receipt-book.ts';
import { platformClock as clock, platformRandom as random } from '../../src/lib/node/platform.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';

/**
 * A page for `bench log` only, never part of the app: the log with the adapters the app uses (IndexedDB, WebCrypto). It runs on
 * the page, where the app has a worker.
 */
export type LogIdentity = {
  readonly community: readonly number[];
  readonly publicKey: readonly number[];
  readonly pkcs8: readonly number[];
};
type BytesIncoming = { readonly envelope: Bytes; readonly payload: Bytes };

/** WebCrypto with a verify pool before it, as the node worker has it. */
const createPort = (): CryptoPort => {
  const local = createWebCrypto();
  const openHelpers = (): MessagePort[] =>
    Array.from({ length: verifyHelperCount(navigator.hardwareConcurrency) }, () => {
      const { port1, port2 } = new MessageChannel();
      new Worker('/verify.worker.js', { type: 'module' }).postMessage({ port: port2 }, [port2]);
      return port1;
    });
  return { ...local, ...createVerifyPool({ clock, local, openHelpers }) };
};

const openLog = async (name: string, { community, publicKey, pkcs8 }: LogIdentity) => {
  const opened = unwrap(await openIdbStore({ name }));
  let readMs = 0;
  const segments = async () => {
    const start = performance.now();
    const found = await opened.segments();
    readMs += performance.now() - start;
    return found;
  };
  const store = { ...opened, segments };
  const port = createPort();
  const privateKey = await crypto.subtle.importKey('pkcs8', Uint8Array.from(pkcs8), 'Ed25519', false, ['sign']);
  const signing = signingKey(crypto.subtle, privateKey, Uint8Array.from(publicKey));
  const log = createEventLog({ crypto: port, clock, random, store, community: Uint8Array.from(community), signing });
  await log.load();
  const receipts = createReceiptBook({ crypto: port, clock, store, log, signing });
  await receipts.load();
  const here = createNeighbourhood({
    crypto: port,
    clock,
    device: { signing, agreement: await port.ephemeral() },
    log,
    receipts,
  });
  return { store, log, here, readMs };
};

/** Envelope and payload of every event, each behind its length in two bytes. */
const readEvents = (bytes: Bytes): BytesIncoming[] => {
  const view = new DataView(bytes.buffer);
  const events: BytesIncoming[] = [];
  let at = 0;
  const part = (): Bytes => {
    const start = at + 2;
    at = start + view.getUint16(at);
    return bytes.slice(start, at);
  };
  while (at < bytes.length) events.push({ envelope: part(), payload: part() });
  return events;
};

const fetchEvents = async (): Promise<BytesIncoming[]> =>
  readEvents(new Uint8Array(await (await fetch('/events.bin')).arrayBuffer()));

const perSecond = (count: number, sinceMs: number): number =>
  Math.round((count * 1000) / (performance.now() - sinceMs));

/** Everything through the log's one entrance, `batch` at a time; payloads along with their events, or behind them as sync sends them. */
const importAll = async (
  log: Awaited<ReturnType<typeof openLog>>['log'],
  events: readonly BytesIncoming[],
  batch: number,
  isPayloadBehind: boolean,
): Promise<void> => {
  for (let at = 0; at < events.length; at += batch) {
    const part = events.slice(at, at + batch);
    const incoming: Incoming[] = part.map(({ envelope, payload }) => ({
      envelope,
      payload: isPayloadBehind ? null : payload,
    }));
    const intake = unwrap(await log.receive(incoming, 'bench'));
    if (intake.refused.length > 0 || intake.waiting > 0)
      throw new Error(`refused: ${JSON.stringify(intake.refused[0])}`);
    if (!isPayloadBehind) continue;
    const payloads = intake.ready.map(({ event }, index) => ({
      id: event.id,
      payload: part[index]?.payload ?? new Uint8Array(0),
    }));
    unwrap(await log.receivePayloads(payloads, 'bench'));
  }
};

/** Records of the same bytes, 1,000 a relaxed transaction, nothing asked and nothing checked. */
const rawPuts = async (events: readonly BytesIncoming[]): Promise<number> => {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open('raw', 1);
    opening.addEventListener(
      'upgradeneeded',
      () => void opening.result.createObjectStore('events', { keyPath: ['author', 'lane', 'seq'] }),
    );
    opening.addEventListener('success', () => resolve(opening.result));
    opening.addEventListener('error', () => reject(opening.error ?? new Error('raw')));
  });
  const start = performance.now();
  for (let at = 0; at < events.length; at += 1_000) {
    const transaction = db.transaction('events', 'readwrite', { durability: 'relaxed' });
    const store = transaction.objectStore('events');
    for (const [index, event] of events.slice(at, at + 1_000).entries())
      store.put({ author: 'a'.repeat(43), lane: 16, seq: at + index, id: 'i'.repeat(43), ...event });
    await new Promise((resolve, reject) => {
      transaction.addEventListener('complete', resolve);
      transaction.addEventListener('abort', reject);
    });
  }
  const rate = perSecond(events.length, start);
  db.close();
  return rate;
};

const sampleOf = async (port: CryptoPort, events: readonly BytesIncoming[]) =>
  Promise.all(events.map(async ({ envelope }) => unwrap(await parseEvent(port, envelope))));

/** Verification alone: ours from the envelope as it comes to the verdict, beside the platform's on imported keys and cut bytes. */
const rates = async (events: readonly BytesIncoming[]) => {
  const port = createPort();
  const parsed = await sampleOf(port, events);
  const keys = new Map<string, CryptoKey>();
  for (const { author, header } of parsed)
    if (!keys.has(author))
      keys.set(author, await crypto.subtle.importKey('raw', header.author, 'Ed25519', false, ['verify']));
  for (const { header } of parsed) port.isSigningKeySound(header.author);
  const raw = async (from: number, to: number): Promise<void> => {
    const verdicts = await Promise.all(
      parsed
        .slice(from, to)
        .map(({ author, signature, signed }) =>
          crypto.subtle.verify('Ed25519', keys.get(author) as CryptoKey, signature, signed),
        ),
    );
    if (verdicts.includes(false)) throw new Error('a signature of the bench is wrong');
  };
  const own = async (from: number, to: number): Promise<void> => {
    await Promise.all(
      events
        .slice(from, to)
        .map(async ({ envelope }) => unwrap(await verifyEvent(port, unwrap(parseEventNow(envelope))))),
    );
  };
  // In turns, so that what else this machine does meets both.
  const spent = { raw: 0, own: 0 };
  for (let at = 0; at < events.length; at += 500) {
    const first = performance.now();
    await raw(at, at + 500);
    const second = performance.now();
    await own(at, at + 500);
    spent.raw += second - first;
    spent.own += performance.now() - second;
  }
  return {
    verifyPerS: Math.round((events.length * 1000) / spent.own),
    rawVerifyPerS: Math.round((events.length * 1000) / spent.raw),
  };
};

const bench = {
  /** Takes every event in, 1,000 a batch, and leaves the database for a cold start. */
  fill: async (identity: LogIdentity) => {
    const events = await fetchEvents();
    const { log, store } = await openLog('full', identity);
    await importAll(log, events.slice(0, 100), 100, false);
    const start = performance.now();
    await importAll(log, events.slice(100), 1_000, false);
    const appendPerS = perSecond(events.length - 100, start);
    const sample = await rates(events.slice(-10_000));
    const rawIdbPerS = await rawPuts(events.slice(-20_000));
    const ownStart = performance.now();
    for (let at = 0; at < 300; at++)
      unwrap(
        await log.append('chat.message', {
          to: 'everyone',
          text: `own ${at}`,
          clientId: crypto.getRandomValues(new Uint8Array(16)),
        }),
      );
    const ownAppendPerS = perSecond(300, ownStart);
    await log.settled();
    store.close();
    const bytes = events.reduce((total, { envelope }) => total + envelope.length, 0);
    return { appendPerS, ...sample, rawIdbPerS, ownAppendPerS, bytesPerEvent: bytes / events.length, events: log.size };
  },
  /** As sync brings them: 160 envelopes, then their payloads. */
  fillAsSync: async (identity: LogIdentity, count: number) => {
    const events = (await fetchEvents()).slice(0, count);
    const { log, store } = await openLog('synced', identity);
    await importAll(log, events.slice(0, 100), 100, false);
    const start = performance.now();
    await importAll(log, events.slice(100), 160, true);
    const rate = perSecond(events.length - 100, start);
    store.close();
    return rate;
  },
  coldStart: async (identity: LogIdentity) => {
    const start = performance.now();
    const { log, here, readMs } = await openLog('full', identity);
    const loadMs = performance.now() - start;
    const newest = here.newest(200);
    const shownMs = performance.now() - start;
    const appended = await log.append('chat.message', {
      to: 'everyone',
      text: 'here again',
      clientId: crypto.getRandomValues(new Uint8Array(16)),
    });
    const usableMs = performance.now() - start;
    if (newest.length !== 200 || !appended.ok) throw new Error('the start is not usable');
    kept = { log, here, newest };
    return { readMs, loadMs, shownMs, usableMs, damages: log.damages().length };
  },
  /** Goes on where `coldStart` stopped. */
  foldAll: async () => {
    if (!kept) throw new Error('nothing was started');
    const { log, here, newest } = kept;
    const start = performance.now();
    const { count } = here.room();
    const foldMs = performance.now() - start;
    unwrap(
      await log.append('chat.message', {
        to: 'everyone',
        text: 'one more',
        clientId: crypto.getRandomValues(new Uint8Array(16)),
      }),
    );
    const refoldStart = performance.now();
    const refolded = here.room().count;
    const refoldMs = performance.now() - refoldStart;
    const folded = here.newest(202);
    const isSame = count === refolded - 1 && newest.every(({ eventId }, at) => eventId === folded[at]?.eventId);
    log.byId('makes the index of ids');
    return { foldMs, refoldMs, isSame, messages: refolded };
  },
};
/** Held from one call of the bench to the next, as a node would hold it. */
let kept:
  (Pick<Awaited<ReturnType<typeof openLog>>, 'log' | 'here'> & { newest: readonly { eventId: string }[] }) | null =
  null;
Object.assign(globalThis, { bench });
export type LogBench = typeof bench;
