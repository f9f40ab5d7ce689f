import type { Result } from '../result.ts';
import type { Bytes } from './crypto.ts';

/** A character (or tick) of a document: its writer's Yjs client and its clock there. It never changes. */
export type CharId = { readonly client: number; readonly clock: number };
export type CharRange = CharId & { readonly length: number };

/** Why an update of a document has no effect. `document-past` and `document-too-slow` heal; the others stay. */
export type DocumentReason =
  | 'document-too-large'
  | 'document-malformed'
  | 'document-not-canonical'
  | 'document-too-many'
  | 'document-empty'
  | 'document-struct'
  | 'document-content'
  | 'document-parent'
  | 'document-map-key'
  | 'document-client'
  | 'document-clock'
  | 'document-origin'
  | 'document-foreign-delete'
  | 'document-author'
  | 'document-full'
  | 'document-cost'
  | 'document-past'
  | 'document-too-slow';

/** One update as the log has it. A ghost is one of an author who does not count: its words vanish, the places of others' words stay. */
export type DocumentUpdate = {
  readonly eventId: string;
  /** The Yjs client of its device in this document: the only one it may write as. */
  readonly client: number;
  readonly isGhost: boolean;
  /** Its author may take away what others wrote. */
  readonly mayDelete: boolean;
  readonly bytes: Uint8Array;
};

/** What one update did, for the list of changes. `ticked` are task lines, by their first character. */
export type DocumentChange = {
  readonly eventId: string;
  readonly inserted: string;
  readonly insertedChars: number;
  readonly removedChars: number;
  readonly ticked: readonly { readonly line: CharId; readonly isDone: boolean }[];
};

export type DocumentView = {
  readonly text: string;
  /** Whose characters these are, in the order of the text; lengths are UTF-16 units and sum up to the text's. */
  readonly ranges: readonly CharRange[];
  /** The newest word on each task line: by whose client, and done or not. */
  readonly ticks: readonly { readonly line: CharId; readonly by: number; readonly isDone: boolean }[];
  /** The newest changes, oldest first. */
  readonly changes: readonly DocumentChange[];
  readonly reasons: readonly { readonly eventId: string; readonly reason: DocumentReason }[];
};

/** Words put after a character (null: at the start), characters taken away, task lines ticked. */
export type DocumentEdit = {
  readonly inserts: readonly { readonly after: CharId | null; readonly text: string }[];
  readonly removes: readonly CharRange[];
  readonly ticks: readonly { readonly line: CharId; readonly isDone: boolean }[];
  /** It may have been done before, by a page that did not live to hear so: what already stands there is not said twice. */
  readonly isRepeated: boolean;
};

/** The updates an edit comes to, and where each insert's first character now stands (null: it stood there already, or was empty). */
export type EditedDocument = {
  readonly updates: readonly Bytes[];
  readonly placed: readonly (CharId | null)[];
};

/** `unknown`: the room does not have the updates that were to be kept (it was started anew); all have to be given again. */
export type DocumentRefusal = DocumentReason | 'unknown';

/**
 * The room in which documents are made of their updates, in a worker of its own. A document is a pure function of its list
 * of updates; the room remembers the list so that only what is new need be given.
 */
export type DocumentRoomPort = {
  /** The first `keep` updates are those given before; the others are new. All of them are in view order. */
  fold(doc: string, keep: number, updates: readonly DocumentUpdate[]): Promise<Result<DocumentView, DocumentRefusal>>;
  /** What to say in the log so that this edit happens, written as `client`. The document itself stays as it is. */
  edit(
    doc: string,
    author: Pick<DocumentUpdate, 'client' | 'mayDelete'>,
    edit: DocumentEdit,
  ): Promise<Result<EditedDocument, DocumentRefusal>>;
};
