import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { parseMeshAnswer, type Bytes } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { someBytes } from '../unit/mesh-fixture.ts';
import { frame, joinLine, openLine, pooled, request, type Guest } from './server-line.ts';
import type { BenchServer } from './server-processes.ts';
import { waitUntil } from './samples.ts';

const atOnce = 16;
const perAddress = 100;
const addressOf = ({ host, port }: BenchServer, index: number) => ({
  ...{ host, port },
  from: `127.0.0.${1 + Math.floor(index / perAddress)}`,
});

export type JoinFigures = { deliveries: number; ms: number };

/**
 * So many come to one place, 16 at a time, and each says one word to everybody it is told of; that is what a newcomer's offers are.
 * Deliveries are words of others that reached somebody. Time runs from the first dial until the last word has arrived.
 */
export const measureOurJoins = async (server: BenchServer, count: number): Promise<JoinFigures> => {
  const tag = someBytes(32);
  const word = someBytes(200);
  const guests: Guest[] = [];
  let deliveries = 0;
  let expected = 0;
  const start = performance.now();
  await pooled(count, atOnce, async (index) => {
    const guest = await joinLine(addressOf(server, index));
    guests.push(guest);
    // The answer and the first words may come together, so one listener takes both.
    const near = await new Promise<readonly Bytes[]>((resolve, reject) => {
      let hasMet = false;
      guest.line.hear = (message) => {
        if (hasMet) return void (deliveries += 1);
        hasMet = true;
        const answer = unwrap(parseMeshAnswer(Uint8Array.from(message)));
        if (answer.type === 'met') resolve(answer.near);
        else reject(new Error(`${answer.type} instead of met`));
      };
      guest.line.write(request({ type: 'meet', tag }));
    });
    expected += near.length;
    for (const to of near) guest.line.write(request({ type: 'send', to, tag, bytes: word }));
  });
  const settled = await waitUntil(() => deliveries >= expected, 10_000, 1);
  const ms = settled === null ? Number.NaN : performance.now() - start;
  for (const { line } of guests) line.socket.destroy();
  return { deliveries: expected <= count * limits.meetSampleMax ? deliveries : Number.NaN, ms };
};

/** The same at y-webrtc's server, as its clients do it: subscribe to the room and publish that one is there, which goes to all. */
export const measureStockJoins = async (server: BenchServer, count: number): Promise<JoinFigures> => {
  const text = (what: object): Buffer => frame(Buffer.from(JSON.stringify(what)), 1);
  const lines: Awaited<ReturnType<typeof openLine>>[] = [];
  let deliveries = 0;
  let lastMs = 0;
  const start = performance.now();
  await pooled(count, atOnce, async (index) => {
    const line = await openLine('/', addressOf(server, index));
    lines.push(line);
    line.hear = () => {
      deliveries += 1;
      lastMs = performance.now();
    };
    line.write(text({ type: 'subscribe', topics: ['street'] }));
    line.write(
      text({ type: 'publish', topic: 'street', data: { type: 'announce', from: `peer ${index}`.padEnd(36) } }),
    );
  });
  // Each publish reaches everybody who is there by then, itself included; nobody knows how many come when many join at once.
  await waitUntil(() => deliveries > 0 && performance.now() - lastMs > 500, 60_000, 10);
  for (const line of lines) line.socket.destroy();
  return { deliveries, ms: lastMs - start };
};
