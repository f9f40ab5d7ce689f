import 'fake-indexeddb/auto';
import { runDamageContract } from './store-damage.ts';
import { makeIdbPlace } from './store-idb-place.ts';
import { runStoreContract } from './store-contract.ts';

// The same store in Chromium: tests/browser/idb-store.test.ts.
runStoreContract('IndexedDB in memory', makeIdbPlace);
runDamageContract('IndexedDB in memory');
