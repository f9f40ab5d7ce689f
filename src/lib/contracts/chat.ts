import {
  array,
  boolean,
  literal,
  maxLength,
  minLength,
  nullable,
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

/** The one vocabulary of delivery, on all screens. Until direct messages exist only waiting, handedOn and failed occur. */
export const deliveryState = picklist(['waiting', 'handedOn', 'delivered', 'read', 'failed']);

/** Says something in the room that every member can read. `clientId` (16 random bytes) makes a repeated call the same message. */
export const chatSend = define({
  name: 'chat.send',
  input: object({
    to: literal('everyone'),
    text: pipe(string(), trim(), minLength(1), maxLength(limits.messageTextBytesMax)),
    clientId: bytes16Id,
  }),
  output: object({ eventId: bytes32Id, state: deliveryState }),
  policy: 'self',
  idempotent: false,
});

/**
 * Removes a message for all: one's own, or, for trusted people, anybody's. Its words go from every device that hears of it, this
 * one first. Asking again for what is gone already is fine.
 */
export const chatRemove = define({
  name: 'chat.remove',
  input: object({ eventId: bytes32Id }),
  output: object({ eventId: bytes32Id }),
  policy: 'self',
});

const message = object({
  eventId: bytes32Id,
  device: bytes32Id,
  person: bytes32Id,
  name: string(),
  text: string(),
  at: count,
  isOwn: boolean(),
  state: deliveryState,
  /** Neighbours (other persons) whose signed receipt covers this message, of all there are. */
  heldBy: count,
  heldOf: count,
  clientId: string(),
  /** Who removed it for all; its text is empty then. */
  removed: nullable(object({ person: bytes32Id, name: string(), isSelf: boolean() })),
  canRemove: boolean(),
  /** Its device's clock was ahead: when it was said is not known, and where it stands may be wrong. */
  isTimeUnclear: boolean(),
});
export type Message = InferOutput<typeof message>;

const history = object({
  messages: array(message),
  /** Messages in all; an upper bound while the room is still being read behind the first screen. */
  total: count,
  /** Events that are here, of all that neighbours say they hold; null while nothing is being fetched. */
  fetching: nullable(object({ held: count, known: count })),
});
/** The newest messages of a thread, oldest first; the stream yields a snapshot now and at every change. */
export const chatHistory = define({
  name: 'chat.history',
  input: object({ thread: literal('everyone'), limit: optional(count, 200) }),
  output: history,
  item: history,
  policy: 'self',
  timeoutMs: noDeadline,
});
