import {
  libraryCorpora,
  libraryIngest,
  libraryRead,
  libraryRemove,
  type Corpora,
  type LibraryDocument,
} from '../contracts/library.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createLive } from './live.svelte.ts';
import { pageClock } from './page-clock.ts';
import { perBus } from './per-bus.ts';

export type { Corpora, Failure, LibraryDocument };
export type DocumentRow = Corpora['documents'][number];
export type CorpusRow = Corpora['corpora'][number];

/** A corpus with its documents as the screen shows them. */
export type Shelf = { readonly corpus: CorpusRow; readonly documents: readonly DocumentRow[] };

export type Addition = { readonly corpus: string; readonly visibility: 'private' | 'community'; readonly file: File };
export type Added = { readonly title: string; readonly passages: number; readonly duplicate: boolean };

export const documentBytesMax = limits.documentBytesMax;
export const corpusNameCharsMax = 40;
/** How long a removal can be taken back, in milliseconds. */
export const undoMs = 10_000;

const starterCorpus = 'starter';

/** A name a person may give a corpus. The starter guides' corpus is not theirs to fill. */
export const isCorpusName = (name: string): boolean =>
  name.length <= corpusNameCharsMax && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && name !== starterCorpus;

/** Removals that can still be taken back, and the one that the node refused last. */
const createRemovals = (bus: BusClient, clock: Clock) => {
  /** When each removal becomes real, by document. */
  let endsAtByCid = $state.raw<ReadonlyMap<string, number>>(new Map());
  let refused = $state.raw<Failure | null>(null);
  const cancelByCid = new Map<string, () => void>();

  const forget = (cid: string): void => {
    cancelByCid.get(cid)?.();
    cancelByCid.delete(cid);
    endsAtByCid = new Map([...endsAtByCid].filter(([other]) => other !== cid));
  };

  const removeNow = async (cid: string): Promise<void> => {
    cancelByCid.delete(cid);
    const reply = await bus.call(libraryRemove, { cid });
    if (!reply.ok) refused = reply.error;
    forget(cid);
  };

  return {
    get endsAtByCid() {
      return endsAtByCid;
    },
    get refused() {
      return refused;
    },
    start: (cid: string): void => {
      if (endsAtByCid.has(cid)) return;
      refused = null;
      endsAtByCid = new Map([...endsAtByCid, [cid, clock.now() + undoMs]]);
      cancelByCid.set(
        cid,
        clock.after(undoMs, () => void removeNow(cid)),
      );
    },
    forget,
  };
};

/** The guides and documents of this device, what neighbours hold, and the acts on them. Follows the library while the tab lives. */
export const createLibraryState = ({ bus, clock = pageClock }: { bus: BusClient; clock?: Clock }) => {
  const live = createLive(bus, libraryCorpora, {});
  const removals = createRemovals(bus, clock);

  const add = async ({ corpus, visibility, file }: Addition, signal: AbortSignal): Promise<Result<Added, Failure>> => {
    if (file.size > limits.documentBytesMax) return err(failure('too_large', 'too-large'));
    const bytes = await file.arrayBuffer().catch(() => null);
    if (bytes === null) return err(failure('bad_request', 'unreadable'));
    const input = { corpus, visibility, fileName: file.name.slice(-200), bytes: new Uint8Array(bytes) };
    const reply = await bus.call(libraryIngest, input, { signal });
    return reply.ok ? ok(reply.value.output) : reply;
  };

  const documents = (): readonly DocumentRow[] => live.value?.documents ?? [];

  return {
    get value() {
      return live.value;
    },
    get failure() {
      return live.failure;
    },
    get isLoading() {
      return live.isLoading;
    },
    /** The last removal that the node refused. */
    get removeFailure() {
      return removals.refused;
    },
    /** When each running removal becomes real, by document. */
    get removals() {
      return removals.endsAtByCid;
    },
    /** Own shelves first, by name; the starter guides last. The language chooses among the starter
     * guides only: what a person added is always shown. */
    shelves: (language: string): readonly Shelf[] =>
      (live.value?.corpora ?? [])
        .map((corpus) => ({
          corpus,
          documents: documents()
            .filter(
              (document) =>
                document.corpus === corpus.name &&
                (!corpus.isStarter || language === '' || document.language === language),
            )
            .toSorted((a, b) => a.title.localeCompare(b.title)),
        }))
        .toSorted(
          (a, b) =>
            Number(a.corpus.isStarter) - Number(b.corpus.isStarter) || a.corpus.name.localeCompare(b.corpus.name),
        ),
    /** The guide of a starter document; '' for any other document. */
    guideOf: (cid: string): string => {
      const document = documents().find((candidate) => candidate.cid === cid);
      return document?.guide ?? '';
    },
    /** The document of a guide, in the wished language when there is one. */
    cidOfGuide: (guide: string, language: string): string | null => {
      if (guide === '') return null;
      const found = documents().filter((document) => document.guide === guide);
      return (found.find((document) => document.language === language) ?? found[0])?.cid ?? null;
    },
    /** The document goes after ten seconds, unless it is taken back; a tab that closes before then removes nothing. */
    remove: removals.start,
    undo: removals.forget,
    add,
  };
};
export type LibraryState = ReturnType<typeof createLibraryState>;

export const libraryStateOf = perBus((bus) => createLibraryState({ bus }));

export type Reading =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly document: LibraryDocument; readonly servedBy: string; readonly isNear: boolean }
  | { readonly state: 'missing' }
  | { readonly state: 'failed'; readonly failure: Failure };

/** Opens one document, here or at the neighbour `device`; a later `open` drops the earlier one. */
export const createReader = ({ bus }: { bus: BusClient }) => {
  let reading = $state.raw<Reading>({ state: 'loading' });
  let running: AbortController | null = null;

  const open = async (cid: string, device: string): Promise<void> => {
    running?.abort();
    const own = new AbortController();
    running = own;
    reading = { state: 'loading' };
    const reply = await bus.call(
      libraryRead,
      { cid },
      device === '' ? { signal: own.signal } : { signal: own.signal, device },
    );
    if (own.signal.aborted) return;
    if (reply.ok) {
      const { output, meta } = reply.value;
      reading = { state: 'ready', document: output, servedBy: meta.servedBy, isNear: meta.route === 'local' };
    } else if (reply.error.code === 'not_found' || reply.error.code === 'schema_mismatch') {
      reading = { state: 'missing' };
    } else {
      reading = { state: 'failed', failure: reply.error };
    }
  };

  return {
    get reading() {
      return reading;
    },
    open,
    /** The address names no document at all. */
    miss: () => {
      running?.abort();
      reading = { state: 'missing' };
    },
    close: () => running?.abort(),
  };
};
export type Reader = ReturnType<typeof createReader>;
