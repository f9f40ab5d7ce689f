import { bytesToHex } from '../../kernel/ids.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { CryptoPort } from '../../kernel/ports/crypto.ts';
import { createSignal } from '../../kernel/watch.ts';
import { starterCorpus, type LibraryShelf } from './shelf.ts';

/** Reads a file of this app's own static folder; null when it cannot be had now (offline and not cached). */
export type FetchStatic = (path: string) => Promise<Uint8Array<ArrayBuffer> | null>;

type Guide = { readonly id: string; readonly language: 'en' | 'de'; readonly path: string; readonly sha256: string };

const retryMs = 30_000;

/** Brings the starter guides into the index at every start. A guide whose bytes are not those the index promises is not shown. */
export const createStarterLibrary = (deps: {
  shelf: LibraryShelf;
  crypto: CryptoPort;
  clock: Clock;
  fetchStatic: FetchStatic;
}) => {
  const { shelf, crypto, clock, fetchStatic } = deps;
  const changed = createSignal();
  let progress = { done: 0, total: 0, failed: 0 };
  let cancelRetry = (): void => {};
  let hasStopped = false;

  const addGuide = async (guide: Guide): Promise<boolean> => {
    const bytes = await fetchStatic(guide.path);
    if (!bytes || bytesToHex(await crypto.sha256(bytes)) !== guide.sha256) return false;
    const added = await shelf.add(
      {
        corpus: starterCorpus,
        visibility: 'community',
        fileName: `${guide.id}.md`,
        bytes,
        guide: guide.id,
        language: guide.language,
      },
      false,
    );
    return added.ok;
  };

  const load = async (): Promise<void> => {
    const index = await fetchStatic('library/index.json');
    const guides = index ? parseIndex(index) : null;
    progress = { done: 0, total: guides?.length ?? 0, failed: 0 };
    for (const guide of guides ?? []) {
      if (hasStopped) return;
      if (await addGuide(guide)) progress = { ...progress, done: progress.done + 1 };
      else progress = { ...progress, failed: progress.failed + 1 };
      changed.tell();
    }
    if (!guides || progress.failed > 0) cancelRetry = clock.after(retryMs, () => void load());
    changed.tell();
  };

  return {
    load,
    progress: () => progress,
    onChange: changed.on,
    stop: () => {
      hasStopped = true;
      cancelRetry();
    },
  };
};
export type StarterLibrary = ReturnType<typeof createStarterLibrary>;

const parseIndex = (bytes: Uint8Array): Guide[] | null => {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value !== 'object' || value === null || !('guides' in value) || !Array.isArray(value.guides))
      return null;
    return value.guides.filter(isGuide);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
};

const isGuide = (value: unknown): value is Guide => {
  if (typeof value !== 'object' || value === null) return false;
  const { id, language, path, sha256 } = value as Record<string, unknown>;
  return (
    typeof id === 'string' &&
    (language === 'en' || language === 'de') &&
    typeof path === 'string' &&
    typeof sha256 === 'string'
  );
};
