import { array, check, maxLength, maxValue, object, optional, pipe } from 'valibot';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { count } from '../../src/lib/contracts/fields.ts';
import type { Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { Link, Links } from '../../src/lib/kernel/ports/links.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createRpc } from '../../src/lib/mesh/rpc.ts';
import { settle } from '../support/virtual-clock.ts';
import { anyBytes, bytesOf, refused, work } from './op.ts';
import { createWorld, worldFields, type OpenWorld } from './world.ts';

const longestMs = 600_000;
const timersMax = 20_000;

const fields = object({
  world: worldFields,
  /** Whom the link has proven. */
  device: bytesOf(32),
  /** What that device sends on `rpc`, each at so many milliseconds after the link came up, in their order. */
  frames: pipe(
    array(object({ at: optional(count, 0), bytes: anyBytes })),
    maxLength(2_000),
    check((frames) => frames.every(({ at }, index) => at >= (frames[index - 1]?.at ?? 0)), 'not in order'),
  ),
  /** The link is lost then. */
  lostAt: optional(pipe(count, maxValue(longestMs))),
  /** How long to listen. */
  untilMs: optional(pipe(count, maxValue(longestMs)), 0),
});

/** Frames of one neighbour in, frames to that neighbour out: the calls of a real bus over a link that the request plays. */
export const answerWorks = {
  '': work(fields, async ({ world, device, frames, lostAt, untilMs }) => {
    const open = createWorld(world);
    if (!open) return refused('capability-unknown', 'not_found');
    const { clock, handled } = open;
    const startedAt = clock.now();
    const told: { at: number; bytes: Uint8Array<ArrayBuffer> }[] = [];
    const wire = createWire(bytesToText(device), (bytes) => told.push({ at: clock.now() - startedAt, bytes }));
    const refusals: string[] = [];
    const rpc = createRpc({
      clock,
      links: wire.links,
      contractsByName,
      serve: (...request) => open.bus.serve(...request),
      onPresence: () => refusals.push('presence'),
      onRefused: (reason) => refusals.push(reason),
    });
    await rpc.start();
    for (const { at, bytes } of frames) clock.after(at, () => wire.hear(bytes));
    if (lostAt !== undefined) clock.after(lostAt, wire.lose);
    const isCalm = await runUntil(clock, startedAt + Math.max(untilMs, lostAt ?? 0, frames.at(-1)?.at ?? 0));
    const result: Cbor = {
      frames: told,
      refusals,
      closed: wire.closedWith(),
      handled: handled.map((call) => ({ ...call })),
      inFlight: rpc.inFlight(),
    };
    await rpc.stop();
    return isCalm ? ok(result) : refused('too-many-timers');
  }),
};

/** False when the clock is asked for more than any honest request needs. */
const runUntil = async (clock: OpenWorld['clock'], untilMs: number): Promise<boolean> => {
  for (let fired = 0; fired < timersMax; fired++) {
    await settle();
    if (!clock.fireNext(untilMs)) return true;
  }
  return false;
};

/** One link to one device whose other end is the request. */
const createWire = (device: string, onSent: (frame: Uint8Array<ArrayBuffer>) => void) => {
  const listeners = new Set<(frame: Uint8Array) => void>();
  const downListeners = new Set<(link: Link, reason: string) => void>();
  let closed: string | null = null;
  const link: Link = {
    id: 'the link',
    peer: { device, person: device, name: '', build: 'conformance' },
    kind: 'memory',
    send: (channel, frame) => {
      if (closed !== null) return false;
      if (channel === 'rpc') onSent(new Uint8Array(frame));
      return true;
    },
    drained: () => Promise.resolve(),
    onFrame: (channel, listener) => {
      if (channel === 'rpc') listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    rides: () => () => {},
    get isOpen() {
      return closed === null;
    },
    close: (reason) => {
      closed ??= reason;
    },
  };
  const links: Links = {
    all: () => [link],
    of: (asked) => (asked === device && closed === null ? link : null),
    onUp: () => () => {},
    onDown: (listener) => {
      downListeners.add(listener);
      return () => void downListeners.delete(listener);
    },
  };
  return {
    links,
    closedWith: () => closed,
    hear: (frame: Uint8Array) => {
      if (closed === null) for (const listener of [...listeners]) listener(frame);
    },
    lose: () => {
      closed ??= 'lost';
      for (const listener of [...downListeners]) listener(link, closed);
    },
  };
};
