import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { createAsking, type Asking } from './asking.ts';
import { parseBulk, type BulkFrame } from './bulk-frames.ts';
import type { LentBlobs } from './lent-blobs.ts';
import { createServing, type Serving } from './serving.ts';

export type BulkSessionsDeps = {
  readonly clock: Clock;
  readonly links: Links;
  readonly blobs: Blobs;
  readonly isMember: (device: string) => boolean;
  readonly lent?: Pick<LentBlobs, 'read'> | undefined;
  /** Whether this device gives what it shares now; see serving.ts. */
  readonly isGiving?: (() => boolean) | undefined;
  readonly onRefused: (reason: string) => void;
  readonly onHave: (frame: Extract<BulkFrame, { t: 'have' }>, asking: Asking) => void;
  readonly onDown: (device: string) => void;
};

type Session = { readonly asking: Asking; readonly serving: Serving; readonly stop: () => void };
const minuteMs = 60_000;

/** The `bulk` channel of every link: what comes is parsed, counted, and handed to the side that asks or the side that serves. */
export const createBulkSessions = (deps: BulkSessionsDeps): Startable & { of(device: string): Asking | null } => {
  const { clock, links, blobs, onRefused } = deps;
  const sessionsByLink = new Map<string, Session>();
  const stops = createStops();

  const attach = (link: Link): void => {
    const asking = createAsking({ clock, link, onRefused });
    const serving = createServing({
      clock,
      link,
      blobs,
      mayServe: deps.isMember,
      onRefused,
      lent: deps.lent,
      isGiving: deps.isGiving,
    });
    const isWithin = frameBudget(clock);
    const onFrame = (bytes: Uint8Array): void => {
      if (!isWithin()) {
        onRefused('bulk-flood');
        return link.close('bulk-flood');
      }
      const frame = parseBulk(bytes);
      if (!frame.ok) return onRefused(frame.error);
      const { value } = frame;
      if (value.t === 'ask') serving.ask(value);
      else if (value.t === 'cancel') serving.cancel(value);
      else if (value.t === 'chunk') asking.took(value.cid, value.at, value.bytes);
      else if (value.t === 'refuse') asking.refused(value.cid, value.at, value.reason);
      else deps.onHave(value, asking);
    };
    sessionsByLink.set(link.id, { asking, serving, stop: () => {} });
    const stop = link.onFrame('bulk', onFrame);
    sessionsByLink.set(link.id, { asking, serving, stop });
  };
  const detach = (link: Pick<Link, 'id' | 'peer'>): void => {
    const session = sessionsByLink.get(link.id);
    if (!session) return;
    sessionsByLink.delete(link.id);
    session.stop();
    session.serving.close();
    deps.onDown(link.peer.device);
  };

  return {
    of: (device) => sessionsByLink.get(links.of(device)?.id ?? '')?.asking ?? null,
    start: () => {
      stops.add(links.onUp(attach));
      stops.add(links.onDown(detach));
      stops.add(
        blobs.onChunk((cid) => {
          for (const { serving } of sessionsByLink.values()) serving.noteChunk(cid);
        }),
      );
      for (const link of links.all()) attach(link);
    },
    stop: () => {
      stops.run();
      for (const { serving, stop } of sessionsByLink.values()) {
        stop();
        serving.close();
      }
      sessionsByLink.clear();
    },
  };
};

const frameBudget = (clock: Clock): (() => boolean) => {
  let minute = { startedAt: clock.now(), frames: 0 };
  return () => {
    if (Math.abs(clock.now() - minute.startedAt) >= minuteMs) minute = { startedAt: clock.now(), frames: 0 };
    minute.frames += 1;
    return minute.frames <= limits.bulkFramesPerMinuteMax;
  };
};
