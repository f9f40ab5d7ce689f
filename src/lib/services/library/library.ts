import {
  libraryCorpora,
  libraryIngest,
  libraryRead,
  libraryRemove,
  librarySearch,
  type Corpora,
} from '../../contracts/library.ts';
import type { Bus } from '../../kernel/bus/bus.ts';
import type { CallContext } from '../../kernel/bus/call.ts';
import type { Caller } from '../../kernel/bus/capability.ts';
import { failure } from '../../kernel/errors.ts';
import { createStops, type Startable } from '../../kernel/lifecycle.ts';
import type { SearchRoomPort } from '../../kernel/ports/search.ts';
import { err, ok } from '../../kernel/result.ts';
import { createSignal, watch } from '../../kernel/watch.ts';
import { starterCorpus, type LibraryShelf } from './shelf.ts';
import type { StarterLibrary } from './starter.ts';

export type LibraryDeps = {
  readonly bus: Bus;
  readonly shelf: LibraryShelf;
  readonly starter: StarterLibrary;
  readonly search: SearchRoomPort;
  /** Neighbours linked now, with the corpora each says it can search. */
  readonly neighbourCorpora: () => readonly { readonly device: string; readonly corpora: readonly string[] }[];
};

const quotesShown = 5;

/** The library of this device: what it holds, what it finds, what it shows to neighbours (community corpora only). */
export const createLibrary = ({ bus, shelf, starter, search, neighbourCorpora }: LibraryDeps): Startable => {
  const stops = createStops();
  const changed = createSignal();
  let settle = (): void => {};
  const firstLoad = new Promise<void>((resolve) => {
    settle = resolve;
  });
  let isReady = false;

  const isShown = (caller: Caller, corpus: string): boolean =>
    caller.kind === 'self' ||
    shelf.list().some((document) => document.corpus === corpus && document.visibility === 'community');
  const communityCorpora = (): string[] => [
    ...new Set(shelf.list().flatMap(({ corpus, visibility }) => (visibility === 'community' ? [corpus] : []))),
  ];

  const find = async (
    {
      query,
      k,
      corpora,
      language,
    }: { query: string; k: number; corpora?: string[] | undefined; language?: 'en' | 'de' | undefined },
    { caller }: CallContext,
  ) => {
    await firstLoad;
    const names = [...new Set(shelf.list().map(({ corpus }) => corpus))].filter(
      (name) => isShown(caller, name) && (corpora?.includes(name) ?? true),
    );
    if (names.length === 0) return ok({ passages: [], evidence: 0, quotes: [] });
    const wish = { query, k: Math.min(Math.max(1, k), 20), corpora: names, ...(language ? { language } : {}) };
    const { passages, evidence } = await search.search(wish);
    const quotes =
      passages.length > 0
        ? await search.quotes({ ...wish, k: quotesShown, passageIds: passages.map(({ id }) => id) })
        : [];
    return ok({ passages, evidence, quotes });
  };

  const read = async ({ cid }: { cid: string }, { caller }: CallContext) => {
    await firstLoad;
    const listed = shelf.find(cid);
    const document = listed && isShown(caller, listed.corpus) ? await search.document(cid) : null;
    if (!document) return err(failure('not_found', 'document'));
    return ok({ ...document, sources: document.sources.map((source) => ({ ...source, year: String(source.year) })) });
  };

  const snapshot = (): Corpora => {
    const documents = shelf.list();
    const names = [...new Set(documents.map(({ corpus }) => corpus))].toSorted();
    const others = neighbourCorpora();
    const elsewhere = [...new Set(others.flatMap(({ corpora }) => corpora))]
      .filter((name) => !names.includes(name))
      .toSorted();
    const holders = (name: string) =>
      others.filter(({ corpora }) => corpora.includes(name)).map(({ device }) => device);
    return {
      corpora: names.map((name) => {
        const inside = documents.filter(({ corpus }) => corpus === name);
        return {
          name,
          documents: inside.length,
          passages: inside.reduce((total, { passages }) => total + passages, 0),
          sizeBytes: inside.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
          languages: [...new Set(inside.map(({ language }) => language))],
          visibility: inside.some(({ visibility }) => visibility === 'community') ? 'community' : 'private',
          isStarter: name === starterCorpus,
          heldBy: holders(name),
        };
      }),
      elsewhere: elsewhere.map((name) => ({ name, devices: holders(name) })),
      documents: documents.map(({ cid, title, corpus, language, sizeBytes, updated, guide }) => ({
        cid,
        title,
        corpus,
        language,
        sizeBytes,
        updated,
        guide,
      })),
      starter: { ...starter.progress() },
      isReady,
    };
  };

  /** Own documents come back first: they are on this device, whatever the network does. */
  const load = async (): Promise<void> => {
    await shelf.load(() => changed.tell());
    await starter.load();
    isReady = true;
    settle();
    changed.tell();
    shelf.changed();
  };

  const ingest = async (input: {
    corpus: string;
    visibility: 'private' | 'community';
    fileName: string;
    bytes: Uint8Array;
    title?: string | undefined;
    language?: 'en' | 'de' | undefined;
    source?: string | undefined;
    licence?: string | undefined;
  }) => {
    if (input.corpus === starterCorpus) return err(failure('forbidden', 'corpus-reserved'));
    const { title, language, source, licence, ...rest } = input;
    const hints = {
      ...(title ? { title } : {}),
      ...(language ? { language } : {}),
      ...(source ? { source } : {}),
      ...(licence ? { licence } : {}),
    };
    const added = await shelf.add({ ...rest, ...hints }, true);
    if (!added.ok) return err(failure(added.error.code, added.error.reason));
    const { cid, title: shown, passages, duplicate } = added.value;
    return ok({ cid, title: shown, passages, duplicate });
  };

  const params = () => ({ corpus: communityCorpora() });
  return {
    start: () => {
      stops.add(shelf.onChange(changed.tell));
      stops.add(starter.onChange(changed.tell));
      stops.add(bus.registry.onChange(changed.tell));
      stops.add(bus.register(libraryRead, read, params));
      stops.add(bus.register(libraryIngest, ingest));
      stops.add(
        bus.register(libraryRemove, async ({ cid }) =>
          (await shelf.remove(cid)) ? ok({}) : err(failure('not_found', 'document')),
        ),
      );
      stops.add(
        bus.register(libraryCorpora, async function* (_input, { signal }) {
          return ok(yield* watch(snapshot, changed.on, signal));
        }),
      );
      stops.add(bus.register(librarySearch, find, params));
      // The corpora a neighbour may ask for are part of the offer, so it is told anew when they change.
      let offered = communityCorpora().join('\n');
      stops.add(
        shelf.onChange(() => {
          const now = communityCorpora().join('\n');
          if (now === offered) return;
          offered = now;
          bus.registry.noteLocalChange();
        }),
      );
      void load();
    },
    stop: () => {
      stops.run();
      starter.stop();
    },
  };
};
