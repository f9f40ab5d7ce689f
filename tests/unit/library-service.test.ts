import { describe, expect, it } from 'vitest';
import {
  libraryCorpora,
  libraryIngest,
  libraryRead,
  libraryRemove,
  librarySearch,
} from '../../src/lib/contracts/library.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createSearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { createLibrary } from '../../src/lib/services/library/library.ts';
import { createLibraryShelf, starterCorpus } from '../../src/lib/services/library/shelf.ts';
import { createStarterLibrary } from '../../src/lib/services/library/starter.ts';
import { createMemoryDisk, createMemoryStore, type MemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { createTestBus } from './bus-fixture.ts';
import { platformCrypto } from './street-fixture.ts';

const text = (body: string) => new TextEncoder().encode(`# Notes\n\n${body}\n`);

const house = async (disk: MemoryDisk = createMemoryDisk(), isFull = false) => {
  const world = createTestBus({ bora: 'member', chen: 'anchor' });
  const store = createMemoryStore({ disk, beforeCommit: () => (isFull ? 'quota-full' : null) });
  const search = createSearchRoom({ loadStemmer, now: () => 0 });
  const shelf = createLibraryShelf({ store, crypto: platformCrypto, search });
  const starter = createStarterLibrary({
    shelf,
    crypto: platformCrypto,
    clock: world.clock,
    fetchStatic: async () => new TextEncoder().encode('{"guides":[]}'),
  });
  const library = createLibrary({ bus: world.bus, shelf, starter, search, neighbourCorpora: () => [] });
  await library.start();
  const add = (corpus: string, visibility: 'private' | 'community', body: string) =>
    world.bus.call(libraryIngest, { corpus, visibility, fileName: 'notes.md', bytes: text(body) });
  const from = async (device: string, query: string, corpora?: string[]) => {
    const reply = unwrap(await world.callFrom(device, librarySearch, { query, ...(corpora ? { corpora } : {}) }));
    return (reply.output as { passages: { text: string; corpus: string }[] }).passages.map((passage) => passage.corpus);
  };
  const own = async (query: string) =>
    unwrap(await world.bus.call(librarySearch, { query, k: 8 })).output.passages.map(({ corpus }) => corpus);
  return { ...world, disk, shelf, add, from, own };
};

describe('the library of a device', () => {
  it('shows a private corpus to its own person only: not in a search, not by name, not by document, not in the offer', async () => {
    const { bus, add, from, own, callFrom } = await house();
    const diary = unwrap(await add('diary', 'private', 'The treasure lies under the apple tree.'));
    unwrap(await add('street', 'community', 'The pump stands behind the bakery.'));
    expect(await own('treasure apple tree')).toEqual(['diary']);
    for (const device of ['bora', 'chen']) {
      expect(await from(device, 'treasure apple tree')).toEqual([]);
      expect(await from(device, 'treasure apple tree', ['diary'])).toEqual([]);
      expect(await from(device, 'pump bakery')).toEqual(['street']);
      expect(await callFrom(device, libraryRead, { cid: diary.output.cid })).toMatchObject({
        error: { code: 'not_found' },
      });
    }
    expect(unwrap(await bus.call(libraryRead, { cid: diary.output.cid })).output.body).toContain('treasure');
    expect(bus.registry.localOffers().find(({ name }) => name === 'library.search')?.params).toEqual({
      corpus: ['street'],
    });
  });

  it('keeps a corpus wholly private or wholly shared, also when both are asked for at once', async () => {
    const { add, shelf } = await house();
    const outcomes = await Promise.all([
      add('notes', 'private', 'My secret garden.'),
      add('notes', 'community', 'The open garden.'),
    ]);
    expect(outcomes.map((each) => (each.ok ? 'added' : each.error.reason))).toEqual([
      'added',
      'corpus-visibility-differs',
    ]);
    expect(await add('notes', 'community', 'Once more.')).toMatchObject({
      error: { reason: 'corpus-visibility-differs' },
    });
    expect(new Set(shelf.list().map(({ visibility }) => visibility))).toEqual(new Set(['private']));
  });

  it('gives strangers nothing, and lets nobody from outside add, remove or list', async () => {
    const { callFrom } = await house();
    expect(await callFrom('mallory', librarySearch, { query: 'x' })).toMatchObject({ error: { code: 'unauthorized' } });
    for (const capability of [libraryIngest, libraryRemove, libraryCorpora])
      expect(await callFrom('chen', capability, {})).toMatchObject({ error: { reason: 'self-only' } });
  });

  it('does not let anybody write into the starter library', async () => {
    const { add } = await house();
    expect(await add(starterCorpus, 'community', 'Drink sea water.')).toMatchObject({
      error: { code: 'forbidden', reason: 'corpus-reserved' },
    });
  });

  it('has its documents again after a restart, with their visibility', async () => {
    const disk = createMemoryDisk();
    const before = await house(disk);
    unwrap(await before.add('diary', 'private', 'The treasure lies under the apple tree.'));
    const after = await house(disk);
    expect(await after.own('treasure apple tree')).toEqual(['diary']);
    expect(await after.from('bora', 'treasure apple tree')).toEqual([]);
    const [document] = after.shelf.list();
    unwrap(await after.bus.call(libraryRemove, { cid: document?.cid ?? '' }));
    expect(await (await house(disk)).own('treasure apple tree')).toEqual([]);
  });

  it('changes nothing for the same bytes again, and leaves nothing of what cannot be kept or read', async () => {
    const { add, shelf, bus } = await house();
    expect(unwrap(await add('street', 'community', 'The pump.')).output.duplicate).toBe(false);
    expect(unwrap(await add('street', 'community', 'The pump.')).output.duplicate).toBe(true);
    expect(shelf.list()).toHaveLength(1);
    expect(
      (
        await bus.call(libraryIngest, {
          corpus: 'street',
          visibility: 'community',
          fileName: 'x.md',
          bytes: Uint8Array.of(0xff, 0xfe, 0x00),
        })
      ).ok,
    ).toBe(false);
    expect(shelf.list()).toHaveLength(1);
    const full = await house(createMemoryDisk(), true);
    expect(await full.add('street', 'community', 'The pump.')).toMatchObject({ error: { code: 'quota_full' } });
    expect([full.shelf.list(), await full.own('pump')]).toEqual([[], []]);
  });
});
