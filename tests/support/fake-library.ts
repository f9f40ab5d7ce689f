import { guide, passages } from './fake-guide.ts';
import { devices, id } from './fake-people.ts';
import { refuse } from './fake-refusal.ts';

/** The shelves of the fake scene; in the scene `loading` the starter guides are still coming in. */
export const createFakeLibrary = (
  name: string,
  hasNeighbours: boolean,
  change: () => Record<string, never>,
): Record<string, (input: Record<string, unknown>) => unknown> => ({
  'library.corpora': () => ({
    corpora: [
      {
        name: 'starter',
        documents: 12,
        passages: 148,
        sizeBytes: 61_440,
        languages: ['en', 'de'],
        visibility: 'community',
        isStarter: true,
        heldBy: [devices.bora],
      },
      {
        name: 'street',
        documents: 1,
        passages: 6,
        sizeBytes: 3_900,
        languages: ['de'],
        visibility: 'community',
        isStarter: false,
        heldBy: [],
      },
    ],
    elsewhere: hasNeighbours ? [{ name: 'allotment', devices: [devices.chen] }] : [],
    documents: [
      {
        cid: id('w'),
        title: 'Water: when the tap runs dry',
        corpus: 'starter',
        language: 'en',
        sizeBytes: 4_813,
        updated: '2026-11-23',
        guide: 'water',
      },
      {
        cid: id('k'),
        title: 'Bleeding: stop it with pressure',
        corpus: 'starter',
        language: 'en',
        sizeBytes: 4_264,
        updated: '2026-11-23',
        guide: 'bleeding',
      },
      {
        cid: id('v'),
        title: 'Wasser: wenn aus dem Hahn nichts mehr kommt',
        corpus: 'starter',
        language: 'de',
        sizeBytes: 5_120,
        updated: '2026-11-23',
        guide: 'water',
      },
      {
        cid: id('h'),
        title: 'Hausordnung und Absperrhähne',
        corpus: 'street',
        language: 'de',
        sizeBytes: 3_900,
        updated: '2026-10-02',
        guide: '',
      },
    ],
    starter: name === 'loading' ? { done: 3, total: 12, failed: 0 } : { done: 12, total: 12, failed: 0 },
    isReady: name !== 'loading',
  }),
  'library.read': (input) =>
    input.cid === id('?').slice(0, 43) || String(input.cid).length !== 43
      ? refuse('not_found', 'no-such-document')
      : guide(String(input.cid)),
  'library.search': () => ({ passages: passages(id('w')), evidence: 820, quotes: [] }),
  'library.ingest': (input) =>
    String(input.fileName).startsWith('broken')
      ? refuse('bad_request', 'front-matter-malformed')
      : { cid: id('z'), title: String(input.fileName), passages: 7, duplicate: false },
  'library.remove': () => change(),
});
