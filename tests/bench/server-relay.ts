import { setTimeout as pause } from 'node:timers/promises';
import { encodeMeshAnswer, encodeMeshRequest, type Bytes } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { someBytes } from '../unit/mesh-fixture.ts';
import { frame, joinLine, meet, openLine, type ServerLine } from './server-line.ts';
import type { BenchServer } from './server-processes.ts';
import { quantile, waitUntil } from './samples.ts';

const pairs = 100;
const perAddress = 100;
const wordBytes = 512;

/**
 * Lines that each send a ready frame and hear a message of a known length for it: from the partner over our relay, from itself over an
 * echo. `stamp` writes the time of sending into the last bytes of a frame, where a message has them too.
 */
export type Rig = { readonly lines: readonly Line[]; close(): void };
type Line = { readonly line: ServerLine; readonly framed: Buffer };

export const rigOurs = async (server: BenchServer): Promise<Rig> => {
  const tag = someBytes(32);
  const word = someBytes(wordBytes);
  const guests = await Promise.all(
    Array.from({ length: pairs * 2 }, async (_, index) => {
      const from = `127.0.0.${1 + Math.floor(index / perAddress)}`;
      const guest = await joinLine({ host: server.host, port: server.port, from });
      await meet(guest, tag);
      return guest;
    }),
  );
  const framedTo = (to: Bytes): Buffer => frame(encodeMeshRequest({ type: 'send', to, tag, bytes: word }));
  return rigOf(guests.map(({ line }, index) => ({ line, framed: framedTo(guests[index ^ 1]?.id ?? someBytes(16)) })));
};

/** Messages as long as those that our server hands on. */
export const rigEcho = async (server: BenchServer): Promise<Rig> => {
  const [from, tag] = [someBytes(16), someBytes(32)];
  const message = encodeMeshAnswer({ type: 'from', from, tag, bytes: someBytes(wordBytes) });
  const address = { host: server.host, port: server.port };
  const lines = await Promise.all(Array.from({ length: pairs * 2 }, () => openLine('/', address)));
  return rigOf(lines.map((line) => ({ line, framed: frame(message) })));
};

const rigOf = (lines: readonly Line[]): Rig => ({
  lines,
  close: () => {
    for (const { line } of lines) line.socket.destroy();
  },
});

/** As fast as it goes: each message heard is answered by one, with so many on the way on each line at a time. */
export const measureRate = async ({ lines }: Rig, forMs: number, window = 8): Promise<number> => {
  let heard = 0;
  let isOver = false;
  for (const { line, framed } of lines) {
    line.hear = () => {
      heard += 1;
      if (!isOver) line.write(framed);
    };
  }
  for (const { line, framed } of lines) line.write(Buffer.concat(Array.from({ length: window }, () => framed)));
  // Warm first: both processes compile what they run.
  await pause(forMs / 2);
  const [from, start] = [heard, performance.now()];
  await pause(forMs);
  const perS = (heard - from) / ((performance.now() - start) / 1000);
  isOver = true;
  await settled(() => heard);
  return perS;
};

/** So many a second whatever comes back, evenly over all lines; each is counted from when it was due, also when it went out late. */
export const measureDelay = async ({ lines }: Rig, perS: number, forMs: number): Promise<DelayFigures> => {
  const delays: number[] = [];
  let sent = 0;
  for (const { line } of lines)
    line.hear = (message) => void delays.push(performance.now() - message.readDoubleBE(message.length - 8));
  const start = performance.now();
  for (let now = start; now - start < forMs; now = performance.now()) {
    for (const due = ((now - start) / 1000) * perS; sent < due; sent++) {
      const each = lines[sent % lines.length];
      if (each === undefined) break;
      const framed = Buffer.from(each.framed);
      framed.writeDoubleBE(start + (sent / perS) * 1000, framed.length - 8);
      each.line.write(framed);
    }
    await pause(1);
  }
  await settled(() => delays.length);
  return { p50Ms: quantile(delays, 0.5), p99Ms: quantile(delays, 0.99), lost: sent - delays.length, sent };
};

export type DelayFigures = { p50Ms: number; p99Ms: number; lost: number; sent: number };

/** Until nothing more comes. */
const settled = async (count: () => number): Promise<void> => {
  let before = -1;
  await waitUntil(
    () => {
      const isStill = count() === before;
      before = count();
      return isStill;
    },
    10_000,
    200,
  );
};
