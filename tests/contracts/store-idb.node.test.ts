import 'fake-indexeddb/auto';
import { makeIdbPlace } from './store-idb-place.ts';
import { runStoreContract } from './store-contract.ts';

// The same store in Chromium: tests/browser/idb-store.test.ts.
runStoreContract('IndexedDB in memory', makeIdbPlace);
