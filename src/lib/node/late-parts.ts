import type * as CallInputs from '../blobs/call-inputs.ts';
import type * as Recovery from '../crypto/recovery.ts';
import type * as BlobServices from './blob-services.ts';
import type * as Export from './export.ts';
import type * as FiguresView from '../services/figures/figures-view.ts';
import type { LoadDuties } from './late-duties.ts';
import type * as LibraryRoom from './library-room.ts';
import { loadPart, type LoadPart } from './load-part.ts';
import type * as MailOffice from '../mail/mail-office.ts';
import type * as OverlayRoom from '../mesh/overlay/overlay.ts';
import type * as PairingRoom from './pairing-room.ts';
import type * as PeopleRoom from './people-room.ts';
import type * as ReadingRooms from './reading-rooms.ts';
import type * as MeshRooms from './mesh-rooms.ts';
import type * as SelfTest from './self-test.ts';
import type * as TokenRoom from './token-room.ts';

export type LateParts = {
  /** The recovery card and its list of words. */
  readonly recovery: LoadPart<Pick<typeof Recovery, 'makeCard' | 'readCard'>>;
  /** One's data as a file, and what seals the keys in it. */
  readonly export: LoadPart<Pick<typeof Export, 'createExport'>>;
  /** What a trusted device writes for everybody. */
  readonly duties: LoadDuties;
  readonly selfTest: LoadPart<Pick<typeof SelfTest, 'selfTestSteps'>>;
  /** Inputs of calls that are too long for a frame. */
  readonly callInputs: LoadPart<Pick<typeof CallInputs, 'createCallInputs'>>;
  /** The plans of the street and the inspector of the log. */
  readonly readingRooms: LoadPart<Pick<typeof ReadingRooms, 'createReadingRooms'>>;
  /** What there is to read here, and who answers from it. */
  readonly libraryRoom: LoadPart<Pick<typeof LibraryRoom, 'createLibraryRoom'>>;
  /** The picture of the neighbourhood and the self-check of the connection. */
  readonly meshRooms: LoadPart<Pick<typeof MeshRooms, 'createMeshRooms'>>;
  /** Which links stand in a larger neighbourhood, and how news spreads over them. */
  readonly overlay: LoadPart<Pick<typeof OverlayRoom, 'createOverlay'>>;
  /** Linking by two codes on two screens. */
  readonly pairingRoom: LoadPart<Pick<typeof PairingRoom, 'createPairingRoom'>>;
  /** What people see of each other, decide, and do with their own devices. */
  readonly peopleRoom: LoadPart<Pick<typeof PeopleRoom, 'createPeopleRoom' | 'createPeopleOffice'>>;
  /** What makes, keeps and judges tokens. */
  readonly tokenRoom: LoadPart<Pick<typeof TokenRoom, 'tokenRoom'>>;
  /** What lies at relays for whoever is away. */
  readonly mailOffice: LoadPart<Pick<typeof MailOffice, 'createMailOffice'>>;
  /** Files: what fetches, gives and keeps them. */
  readonly blobServices: LoadPart<Pick<typeof BlobServices, 'createBlobServices'>>;
  /** The views of figures and last calls, and the text for monitoring tools. */
  readonly figuresView: LoadPart<Pick<typeof FiguresView, 'createFiguresView'>>;
};

/**
 * What a node needs a few times in its life stands in files of its own, loaded when it is asked for: a phone compiles at every
 * start whatever the worker starts with. The service worker keeps these files too (vite.config.ts), so they are there offline.
 */
export const lateParts: LateParts = {
  recovery: () => loadPart(() => import('../crypto/recovery.ts')),
  export: () => loadPart(() => import('./export.ts')),
  duties: () => loadPart(() => import('./duties.ts')),
  selfTest: () => loadPart(() => import('./self-test.ts')),
  callInputs: () => loadPart(() => import('../blobs/call-inputs.ts')),
  readingRooms: () => loadPart(() => import('./reading-rooms.ts')),
  libraryRoom: () => loadPart(() => import('./library-room.ts')),
  meshRooms: () => loadPart(() => import('./mesh-rooms.ts')),
  overlay: () => loadPart(() => import('../mesh/overlay/overlay.ts')),
  pairingRoom: () => loadPart(() => import('./pairing-room.ts')),
  peopleRoom: () => loadPart(() => import('./people-room.ts')),
  tokenRoom: () => loadPart(() => import('./token-room.ts')),
  mailOffice: () => loadPart(() => import('../mail/mail-office.ts')),
  blobServices: () => loadPart(() => import('./blob-services.ts')),
  figuresView: () => loadPart(() => import('../services/figures/figures-view.ts')),
};
