import {
  blobsCancel,
  blobsFetch,
  blobsHave,
  blobsList,
  blobsPin,
  blobsPut,
  blobsRead,
  blobsRemove,
  blobsUnpin,
  type BlobList,
  type BlobProgress,
} from '../contracts/blobs.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { CallContext } from '../kernel/bus/call.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import type { BlobExchange, BlobRefusal, Blobs, FetchProgress } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createSignal, watch } from '../kernel/watch.ts';

export type BlobsServiceDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly blobs: Blobs;
  readonly exchange: BlobExchange;
};

/** A reader sees at most so many snapshots a second, however many chunks come. */
const snapshotEveryMs = 200;
const unknownType = 'application/octet-stream';

/** The large things of this device on the bus: put, fetched, read, kept, and told to neighbours when they may know. */
export const createBlobsService = (deps: BlobsServiceDeps): Startable => {
  const { bus, blobs, exchange } = deps;
  const stops = createStops();
  const changed = createSignal();

  const put = async (input: {
    data: Blob;
    mediaType: string;
    isShared: boolean;
    isSealed: boolean;
    isPinned: boolean;
  }) => {
    const { data, mediaType, ...wish } = input;
    // A browser writes parameters behind the type (`; charset=...`); they are no part of what a blob is.
    const type = (mediaType || data.type || unknownType).split(';')[0]?.trim().toLowerCase() ?? unknownType;
    const stored = await blobs.put(partsOf(data), { ...wish, mediaType: type, expectedBytes: data.size });
    if (!stored.ok) return err(failureOf(stored.error));
    const { cid, size, key } = stored.value;
    return ok({ cid, size, key: key && bytesToText(key) });
  };

  const fetch = async function* (
    { cid, isPinned }: { cid: string; isPinned: boolean },
    { signal }: CallContext,
  ): AsyncGenerator<BlobProgress, Result<BlobProgress, Failure>> {
    const wanted = await exchange.want(cid, { isPinned });
    if (!wanted.ok) return err(failureOf(wanted.error));
    for await (const progress of watch(() => exchange.progress(cid), exchange.onProgress, signal)) {
      if (!progress) return err(failure('cancelled', 'fetch-cancelled'));
      yield toOutput(progress);
      if (progress.state === 'complete') return ok(toOutput(progress));
      await restOf(deps.clock);
    }
    return err(failure('cancelled', 'by-caller'));
  };

  const read = async function* (input: {
    cid: string;
    from: number;
    length: number;
    key?: string | undefined;
  }): AsyncGenerator<{ bytes: Uint8Array<ArrayBuffer> }, Result<{ size: number; mediaType: string }, Failure>> {
    const { cid, from, length } = input;
    const view = blobs.view(cid);
    const key = input.key === undefined ? null : textToBytes(input.key);
    const items = blobs.read(cid, { from, length, ...(key ? { key } : {}) });
    for (;;) {
      const step = await items.next();
      if (!step.done) yield { bytes: step.value };
      else if (!step.value.ok) return err(failureOf(step.value.error));
      else return ok({ size: view?.size ?? 0, mediaType: view?.mediaType ?? unknownType });
    }
  };

  const snapshot = (most: number): BlobList => {
    const wanted = new Set(exchange.wanted());
    const newest = blobs.list().toSorted((a, b) => b.usedAt - a.usedAt || (a.cid < b.cid ? -1 : 1));
    return {
      ...blobs.usage(),
      keptIn: blobs.kind === 'memory' ? 'memory' : 'disk',
      blobs: newest.slice(0, most).map((view) => ({
        ...view,
        usedAt: Math.floor(view.usedAt),
        holders: [...view.holders],
        isWanted: wanted.has(view.cid),
      })),
    };
  };

  const have = (cid: string) => {
    const view = blobs.view(cid);
    if (!view?.isShared) return { has: 'none' as const, bitmap: new Uint8Array(0) };
    if (view.have === view.total) return { has: 'all' as const, bitmap: new Uint8Array(0) };
    return { has: 'some' as const, bitmap: blobs.bitmap(cid) ?? new Uint8Array(0) };
  };

  return {
    start: () => {
      stops.add(blobs.onChange(changed.tell));
      stops.add(exchange.onProgress(changed.tell));
      stops.add(bus.register(blobsPut, put));
      stops.add(bus.register(blobsFetch, fetch));
      stops.add(bus.register(blobsRead, read));
      stops.add(bus.register(blobsHave, ({ cids }) => ok({ have: cids.map(have) })));
      stops.add(bus.register(blobsPin, async ({ cid }) => done(await blobs.pin(cid, true))));
      stops.add(bus.register(blobsUnpin, async ({ cid }) => done(await blobs.pin(cid, false))));
      stops.add(
        bus.register(blobsCancel, async ({ cid }) => {
          await exchange.cancel(cid);
          return ok({});
        }),
      );
      stops.add(
        bus.register(blobsRemove, async ({ cid }) => {
          await exchange.cancel(cid);
          return done(await blobs.remove(cid));
        }),
      );
      stops.add(
        bus.register(blobsList, async function* ({ most }, { signal }) {
          let last = snapshot(most);
          for await (last of watch(() => snapshot(most), changed.on, signal)) {
            yield last;
            await restOf(deps.clock);
          }
          return ok(last);
        }),
      );
    },
    stop: stops.run,
  };
};

/** Changes that come meanwhile are folded into one snapshot by `watch`. */
const restOf = (clock: Clock): Promise<void> => new Promise((resolve) => void clock.after(snapshotEveryMs, resolve));

const toOutput = (progress: FetchProgress): BlobProgress => ({
  ...progress,
  from: [...progress.from],
  blamed: [...progress.blamed],
});

const done = (result: Result<void, BlobRefusal>): Result<object, Failure> =>
  result.ok ? ok({}) : err(failureOf(result.error));

/** A file piece by piece; the browser reads it from its disk only as far as it is asked for. */
const partsOf = async function* (data: Blob): AsyncGenerator<Uint8Array> {
  const reader = data.stream().getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } finally {
    reader.releaseLock();
  }
};

const failureOf = (refusal: BlobRefusal): Failure => failure(codes[refusal], refusal);

const codes = {
  'quota-full': 'quota_full',
  'too-many': 'quota_full',
  'disk-failed': 'unavailable',
  'too-large': 'too_large',
  'media-type': 'bad_request',
  'unknown-blob': 'not_found',
  'unknown-chunk': 'not_found',
  'not-here': 'not_found',
  damaged: 'unavailable',
  'wrong-chunk': 'bad_request',
  'wrong-length': 'bad_request',
  'wrong-manifest': 'bad_request',
  'wrong-key': 'bad_request',
  'source-failed': 'bad_request',
  'still-held': 'forbidden',
} as const satisfies Record<BlobRefusal, Failure['code']>;
