import type { Corpora } from '../../contracts/library.ts';
import { bytesToText } from '../../kernel/ids.ts';
import type { CryptoPort } from '../../kernel/ports/crypto.ts';
import type { SearchRoomPort, IngestOutcome } from '../../kernel/ports/search.ts';
import type { Store } from '../../kernel/ports/store.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { createSignal } from '../../kernel/watch.ts';

export type Visibility = 'private' | 'community';
export type ShelfDocument = Corpora['documents'][number] & {
  readonly passages: number;
  readonly visibility: Visibility;
};

/** What a person's own document is kept as, so that it is there again after a restart. */
type KeptDocument = {
  readonly corpus: string;
  readonly visibility: Visibility;
  readonly fileName: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly title?: string;
  readonly language?: 'en' | 'de';
  readonly source?: string;
  readonly licence?: string;
};

export type AddRequest = Omit<KeptDocument, 'bytes'> & { readonly bytes: Uint8Array; readonly guide?: string };
export type AddRefusal = {
  readonly code: 'too_large' | 'bad_request' | 'quota_full' | 'unavailable';
  readonly reason: string;
};

export const starterCorpus = 'starter';
/** Own documents as the store keeps them; an export takes them along. */
export const keyPrefix = 'document/';

/** The documents of this device: kept in the store, indexed in the search worker, listed here. Refused input leaves no trace in any of the three. */
export const createLibraryShelf = ({
  store,
  crypto,
  search,
}: {
  store: Store;
  crypto: CryptoPort;
  search: SearchRoomPort;
}) => {
  const documentsByCid = new Map<string, ShelfDocument>();
  const changed = createSignal();
  // One addition at a time: two at once could make one corpus private and shared.
  let turn: Promise<unknown> = Promise.resolve();

  const index = async (cid: string, request: AddRequest): Promise<Result<IngestOutcome, AddRefusal>> => {
    const { corpus, bytes, fileName, title, language, source, licence } = request;
    const hints = {
      ...(title ? { title } : {}),
      ...(language ? { language } : {}),
      ...(source ? { source } : {}),
      ...(licence ? { licence } : {}),
    };
    const ingested = await search.ingest({ cid, corpus, bytes, fileName, ...hints });
    if (!ingested.ok)
      return err({
        code: ingested.error.type === 'TooLarge' ? 'too_large' : 'bad_request',
        reason: toReason(ingested.error.type),
      });
    const document = await search.document(cid);
    if (!ingested.value.duplicate) {
      documentsByCid.set(cid, {
        cid,
        title: ingested.value.title,
        corpus: ingested.value.corpus,
        language: ingested.value.language,
        sizeBytes: bytes.length,
        updated: document?.updated ?? '',
        guide: request.guide ?? '',
        passages: ingested.value.passages,
        visibility: request.visibility,
      });
      changed.tell();
    }
    return ok(ingested.value);
  };

  /** Indexes first (that is where bad input is refused), then keeps; what cannot be kept is taken out again. */
  const add = (request: AddRequest, isKept: boolean): Promise<Result<IngestOutcome, AddRefusal>> => {
    const work = turn.then(() => addInTurn(request, isKept));
    turn = work.catch(() => undefined);
    return work;
  };

  const addInTurn = async (request: AddRequest, isKept: boolean): Promise<Result<IngestOutcome, AddRefusal>> => {
    // One corpus is wholly private or wholly shared: otherwise a private document would be searched under a shared name.
    const differs = [...documentsByCid.values()].some(
      ({ corpus, visibility }) => corpus === request.corpus && visibility !== request.visibility,
    );
    if (differs) return err({ code: 'bad_request', reason: 'corpus-visibility-differs' });
    const bytes = request.bytes.slice();
    const cid = bytesToText(await crypto.sha256(bytes));
    const indexed = await index(cid, { ...request, bytes });
    if (!indexed.ok || indexed.value.duplicate || !isKept) return indexed;
    const { guide: _guide, ...kept } = { ...request, bytes };
    const stored = await store.commit({ kv: [{ key: keyPrefix + cid, value: kept satisfies KeptDocument }] }, 'strict');
    if (stored.ok) return indexed;
    await drop(cid);
    return err({ code: stored.error === 'quota-full' ? 'quota_full' : 'unavailable', reason: stored.error });
  };

  const drop = async (cid: string): Promise<void> => {
    await search.remove(cid);
    documentsByCid.delete(cid);
    changed.tell();
  };

  return {
    add,
    /** Brings back what earlier sessions kept. A document that no longer reads is left in the store and told by `onBroken`. */
    load: async (onBroken: (cid: string, reason: string) => void): Promise<void> => {
      for (const { key, value } of await store.list(keyPrefix)) {
        if (!isKeptDocument(value)) continue;
        const cid = key.slice(keyPrefix.length);
        const indexed = await index(cid, value);
        if (!indexed.ok) onBroken(cid, indexed.error.reason);
      }
    },
    remove: async (cid: string): Promise<boolean> => {
      const document = documentsByCid.get(cid);
      if (!document || document.corpus === starterCorpus) return false;
      const removed = await store.commit({ kv: [{ key: keyPrefix + cid, value: null }] }, 'strict');
      if (removed.ok) await drop(cid);
      return removed.ok;
    },
    find: (cid: string): ShelfDocument | undefined => documentsByCid.get(cid),
    list: (): ShelfDocument[] => [...documentsByCid.values()],
    onChange: changed.on,
    changed: changed.tell,
  };
};
export type LibraryShelf = ReturnType<typeof createLibraryShelf>;

/** `NotUtf8` -> `not-utf8`: failure types of the search room as reasons on the bus. */
const toReason = (type: string): string => type.replaceAll(/(?<=[a-z0-9])([A-Z])/g, '-$1').toLowerCase();

const isKeptDocument = (value: unknown): value is KeptDocument =>
  typeof value === 'object' &&
  value !== null &&
  'corpus' in value &&
  'bytes' in value &&
  value.bytes instanceof Uint8Array;
