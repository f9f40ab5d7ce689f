import { randomBytes, randomInt } from 'node:crypto';
import { encodeMeshRequest, type Bytes, type MeshRequest } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { makeKey, someBytes } from '../unit/mesh-fixture.ts';
import { frame, joinLine, meet, openLine, request, type Address, type ServerLine } from './server-line.ts';
import type { BenchServer } from './server-processes.ts';

const linesAtOnce = 48;
const framesPerLine = 240;

export type FuzzFigures = { frames: number; isAlive: boolean; honestLost: number; rssGrowthMb: number };

/**
 * Frames that nobody honest sends, until the server has counted so many of them: noise, cut and flipped frames, text, impossible heads;
 * half of the lines have joined. A line that is closed for it is dialled anew. Meanwhile two honest people speak all the time.
 */
export const measureFuzz = async (server: BenchServer, wanted: number): Promise<FuzzFigures> => {
  const honest = await startHonest(server);
  let rssBeforeMb = Number.NaN;
  const over = new AbortController();
  const fuzzer = async (index: number): Promise<void> => {
    const from = `127.0.9.${1 + (index % 200)}`;
    while (!over.signal.aborted && server.isAlive())
      await fuzzOnce(server, from).catch(() => 'refused or closed, as it should be');
  };
  const fuzzers = Array.from({ length: linesAtOnce }, (_, index) => fuzzer(index));
  let frames = 0;
  while (frames < wanted && server.isAlive()) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    frames = await framesIn(server).catch(() => frames);
    // Memory is compared from when all code has run.
    if (Number.isNaN(rssBeforeMb) && frames > wanted / 10) rssBeforeMb = server.rssMb();
  }
  over.abort();
  await Promise.all(fuzzers);
  const isAlive = server.isAlive();
  const rssGrowthMb = isAlive ? server.rssMb() - rssBeforeMb : Number.NaN;
  return { frames, isAlive, honestLost: await honest.stop(), rssGrowthMb };
};

/** Counted by the server itself; the frames of the two honest people, some thousand, are among them. */
const framesIn = async ({ host, port }: BenchServer): Promise<number> => {
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  return Number(/^hearthnet_mesh_frames_in_total (\d+)/m.exec(text)?.[1] ?? 0);
};

const fuzzOnce = async ({ host, port }: BenchServer, from: string): Promise<void> => {
  const tag = someBytes(32);
  const line =
    randomInt(4) > 0 ? await joinedLine({ host, port, from }, tag) : await openLine('/mesh', { host, port, from });
  line.hear = () => {};
  line.write(Buffer.concat(Array.from({ length: framesPerLine }, () => oddFrame(tag))));
  // Now and then a line breaks off in the middle of a frame, or says what no WebSocket says.
  if (randomInt(8) === 0) line.write(randomBytes(randomInt(1, 40)));
  await ended(line);
};

/** Joined and at a tag, so that not every frame is refused before anything is done with it. */
const joinedLine = async (address: Address, tag: Bytes): Promise<ServerLine> => {
  const guest = await joinLine(address);
  await meet(guest, tag);
  return guest.line;
};

const ended = (line: ServerLine): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => line.socket.destroy(), 400);
    void line.closed.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });

const sample = (tag: Bytes): MeshRequest => {
  // A wrong proof ends the line at once, so it comes seldom.
  if (randomInt(200) === 0) return { type: 'join', key: someBytes(32), signature: someBytes(64) };
  const all: readonly MeshRequest[] = [
    { type: 'meet', tag },
    { type: 'part', tag: someBytes(32) },
    { type: 'send', to: someBytes(16), tag, bytes: someBytes(randomInt(64)) },
    { type: 'send', to: someBytes(16), tag: someBytes(32), bytes: someBytes(randomInt(64)) },
    { type: 'open', box: someBytes(32), signature: someBytes(64) },
    { type: 'put', request: randomInt(2 ** 31), box: someBytes(32), keepSeconds: 60, item: someBytes(randomInt(64)) },
    { type: 'take', request: randomInt(2 ** 31), box: someBytes(32), cursor: '', most: 64 },
  ];
  return all[randomInt(all.length)] ?? { type: 'meet', tag };
};

const oddFrame = (tag: Bytes): Buffer => {
  const bytes = Buffer.from(encodeMeshRequest(sample(tag)));
  const kind = randomInt(12);
  if (kind === 0) return frame(randomBytes(randomInt(200)));
  if (kind === 1) return frame(bytes.subarray(0, randomInt(bytes.length)));
  if (kind === 2) return frame(Buffer.concat([bytes, randomBytes(randomInt(1, 20))]));
  if (kind === 3) return frame(Buffer.from(JSON.stringify({ type: 'publish', topic: randomInt(99) })), 1);
  // One bit; the rest are whole frames that ask for what is not theirs.
  const at = randomInt(bytes.length);
  if (kind < 8) bytes[at] = (bytes[at] ?? 0) ^ (1 << randomInt(8));
  return frame(bytes);
};

/** Two who throw one word to and fro; a word that does not come within 5 s is lost, and with it their line. */
const startHonest = async (server: BenchServer) => {
  const tag = someBytes(32);
  const address = { host: server.host, port: server.port, from: '127.0.8.1' };
  const [anna, bora] = [await joinLine(address, makeKey()), await joinLine(address, makeKey())];
  await meet(anna, tag);
  await meet(bora, tag);
  const word = (to: typeof anna) => request({ type: 'send', to: to.id, tag, bytes: someBytes(100) });
  const [toBora, toAnna] = [word(bora), word(anna)];
  let lost = 0;
  let heardAt = performance.now();
  let isOver = false;
  const after = (write: () => void): void => {
    heardAt = performance.now();
    if (!isOver) setTimeout(write, 20);
  };
  bora.line.hear = () => bora.line.write(toAnna);
  anna.line.hear = () => after(() => anna.line.write(toBora));
  anna.line.write(toBora);
  const watch = setInterval(() => {
    if (performance.now() - heardAt < 5_000) return;
    lost += 1;
    after(() => anna.line.write(toBora));
  }, 500);
  return {
    stop: async (): Promise<number> => {
      isOver = true;
      clearInterval(watch);
      const isServed = anna.line.isOpen() && bora.line.isOpen();
      for (const { line } of [anna, bora]) line.socket.destroy();
      return isServed ? lost : lost + 1;
    },
  };
};
