import {
  array,
  boolean,
  integer,
  maxLength,
  maxValue,
  minLength,
  minValue,
  nullable,
  number,
  object,
  optional,
  picklist,
  pipe,
  string,
  trim,
  type InferOutput,
} from 'valibot';
import { limits } from '../kernel/limits.ts';
import { define, noDeadline } from './define.ts';
import { bytes16Id, bytes32Id, count } from './fields.ts';

const charId = object({ client: count, clock: count });
const positive = pipe(number(), integer(), minValue(1), maxValue(limits.documentDeviceUnitsMax));
const charRange = object({ ...charId.entries, length: positive });

const listed = object({
  doc: bytes16Id,
  title: string(),
  /** Who made it, and when (milliseconds since 1970, by their clock). */
  by: string(),
  at: count,
  /** The newest word in it; the same as `by` and `at` while it is empty. */
  changedBy: string(),
  changedAt: count,
});
export type ListedDocument = InferOutput<typeof listed>;
const list = object({ documents: array(listed) });
/** The documents of this neighbourhood, the last changed first; a snapshot now and at every change. */
export const documentsList = define({
  name: 'documents.list',
  input: object({}),
  output: list,
  item: list,
  policy: 'self',
  timeoutMs: noDeadline,
});

export const documentTitle = pipe(string(), trim(), minLength(1), maxLength(limits.documentTitleCharsMax));
/** Makes a document of this neighbourhood. `text` is what it says at first. */
export const documentsCreate = define({
  name: 'documents.create',
  input: object({ title: documentTitle, text: optional(pipe(string(), maxLength(limits.documentCharsMax)), '') }),
  output: object({ doc: bytes16Id }),
  policy: 'self',
  idempotent: false,
});

const change = object({
  eventId: bytes32Id,
  person: bytes32Id,
  name: string(),
  isOwn: boolean(),
  at: count,
  inserted: string(),
  insertedChars: count,
  removedChars: count,
  ticked: array(object({ line: charId, isDone: boolean() })),
});
export type DocumentChangeShown = InferOutput<typeof change>;

const documentView = object({
  doc: bytes16Id,
  title: string(),
  /** Grows with every change and over restarts of the node: what has a smaller one is older. */
  revision: count,
  text: string(),
  /** Whose characters these are, in the order of the text. */
  ranges: array(charRange),
  writers: array(object({ client: count, person: bytes32Id, name: string(), isOwn: boolean() })),
  ticks: array(object({ line: charId, by: string(), isDone: boolean() })),
  /** The newest changes, oldest first. */
  changes: array(change),
  /** This person may write in it, and may take away what others wrote. */
  mayWrite: boolean(),
  mayDelete: boolean(),
  /** Updates that wait for others which are not here yet, and updates that have no effect for good. */
  waiting: count,
  refused: count,
  /** slow: this device could not make the document in time, what is shown is as far as it came. */
  state: picklist(['ready', 'slow']),
});
export type DocumentShown = InferOutput<typeof documentView>;

/** One document as it is; a snapshot now and at every change. */
export const documentsOpen = define({
  name: 'documents.open',
  input: object({ doc: bytes16Id }),
  output: documentView,
  item: documentView,
  policy: 'self',
  timeoutMs: noDeadline,
});

const parts = limits.documentEditPartsMax;
/**
 * Writes into a document, by characters and not by positions, so that nothing a neighbour does meanwhile can shift it.
 * `placed` says where each insert's first character now stands. `isRepeated`: a page that was closed does not know whether
 * this was done.
 */
export const documentsEdit = define({
  name: 'documents.edit',
  input: object({
    doc: bytes16Id,
    inserts: pipe(
      array(object({ after: nullable(charId), text: pipe(string(), maxLength(limits.documentCharsMax)) })),
      maxLength(parts),
    ),
    removes: pipe(array(charRange), maxLength(parts)),
    ticks: pipe(array(object({ line: charId, isDone: boolean() })), maxLength(parts)),
    isRepeated: optional(boolean(), false),
  }),
  output: object({ revision: count, placed: array(nullable(charId)) }),
  policy: 'self',
  idempotent: false,
});
