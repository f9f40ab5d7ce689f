import type { NodeInfo } from '../contracts/node.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort, Keyring } from '../kernel/ports/crypto.ts';
import type { DocumentRoomPort } from '../kernel/ports/documents.ts';
import type { PairingPort } from '../kernel/ports/pairing.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import type { FetchStatic } from '../services/library/starter.ts';
import type { LateParts } from './late-parts.ts';
import type { LoadPart } from './load-part.ts';

/** What a node is made of: the adapters of the place it runs in. */
export type NodeDeps = {
  readonly crypto: CryptoPort;
  /** What `crypto` computes signatures with; 'webcrypto' when absent. */
  readonly cryptoKind?: NodeInfo['crypto'];
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  /** Opened behind the start: nobody's first screen waits for files. */
  readonly blobs: LoadPart<Blobs>;
  readonly transport: Transport;
  /** Pipes from codes on two screens; absent where none can be made. */
  readonly pairing?: LoadPart<PairingPort>;
  readonly search: SearchRoomPort;
  readonly documents: DocumentRoomPort;
  readonly fetchStatic: FetchStatic;
  /** This build's own when absent. */
  readonly parts?: LateParts;
  readonly build: string;
  readonly defaultSignalUrl: string;
  readonly isStoragePersisted: () => Promise<boolean>;
  /** What the system says of this device's network; taken for online when absent. */
  readonly isOnline?: () => boolean;
  /** Who this device is has changed: ends this node and starts another on the same disk. Without it the change waits for the next start. */
  readonly restart?: () => void;
  /** Ends this node and deletes everything it holds; null, or why it could not. */
  readonly erase?: () => Promise<string | null>;
  /** The cost of a passphrase's key as a power of two; tests take a smaller one. */
  readonly scryptLog2?: number;
};
