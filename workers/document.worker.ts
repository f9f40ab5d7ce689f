import { expose } from 'comlink';
import { createDocumentRoom } from '../src/lib/replica/documents/document-room.ts';

/** Sent by the page: the node worker's line to this room. */
export type DocumentWorkerMessage = { readonly port: MessagePort };

/** Documents are made here and not in the node's thread: whatever an update does to Yjs, this worker can be ended and the node goes on. */
const room = createDocumentRoom();
addEventListener('message', ({ data }: MessageEvent<DocumentWorkerMessage>) => expose(room, data.port));
