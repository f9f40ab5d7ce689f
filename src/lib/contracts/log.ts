import {
  array,
  boolean,
  instance,
  maxLength,
  nullable,
  object,
  optional,
  picklist,
  pipe,
  regex,
  string,
  type InferOutput,
} from 'valibot';
import { define } from './define.ts';
import { bytes32Id, count } from './fields.ts';

const tally = array(object({ reason: string(), count }));

/** One lane of one device, and how many of the `heldOf` people beside its author and oneself have signed that they hold all of it. */
const laneSummary = object({
  device: bytes32Id,
  name: string(),
  lane: count,
  events: count,
  newestAt: count,
  heldBy: count,
  heldOf: count,
});
export type LaneSummary = InferOutput<typeof laneSummary>;

/** Two different events of one device at one place. `standsUpTo`: events that a pin keeps; null: the lane ends where it forked. */
const forkSummary = object({
  device: bytes32Id,
  name: string(),
  lane: count,
  seq: count,
  standsUpTo: nullable(count),
  first: bytes32Id,
  second: bytes32Id,
});

const overview = object({
  events: count,
  /** Envelopes and payloads that this device keeps, in bytes. */
  bytes: count,
  withoutPayload: count,
  dropped: count,
  people: count,
  lanes: array(laneSummary),
  kinds: array(object({ kind: string(), count })),
  voids: tally,
  waiting: object({ orphans: count, parked: count }),
  refused: tally,
  damages: array(object({ device: bytes32Id, name: string(), lane: count, from: count, to: count })),
  forks: array(forkSummary),
});
export type LogOverview = InferOutput<typeof overview>;

/** The log as it stands on this device, counted now. */
export const logOverview = define({
  name: 'log.overview',
  input: object({}),
  output: overview,
  policy: 'self',
  timeoutMs: 60_000,
  maxConcurrent: 1,
});

/** effective: it counts; void: kept without effect, `reason` says why; bare: its payload is not here; dropped: its payload was removed or has expired. */
export const entryState = picklist(['effective', 'void', 'bare', 'dropped']);

const entry = object({
  eventId: bytes32Id,
  /** The kind's name, or its number where this build does not know it. */
  kind: string(),
  device: bytes32Id,
  name: string(),
  isOwn: boolean(),
  lane: count,
  seq: count,
  at: count,
  bytes: count,
  state: entryState,
  reason: string(),
  /** People beside its author and oneself who have signed that they hold it, by name. */
  heldBy: array(string()),
});
export type LogEntry = InferOutput<typeof entry>;

/** Events newest first. `before` is the `next` of the page before. Never what a payload says, only that it is there. */
export const logEntries = define({
  name: 'log.entries',
  input: object({
    before: optional(nullable(pipe(string(), maxLength(120), regex(/^\d+ [\w-]{43} \d+ \d+$/, 'not a cursor'))), null),
    only: optional(picklist(['all', 'void', 'authority']), 'all'),
    limit: optional(count, 50),
  }),
  output: object({ entries: array(entry), next: nullable(string()) }),
  policy: 'self',
  timeoutMs: 60_000,
});

/**
 * A file for whoever helps: builds, counts, refusals, reasons, links and traces as JSON text. It holds no name, no text, no key and no
 * address; devices are numbered.
 */
export const logBundle = define({
  name: 'log.bundle',
  input: object({}),
  output: object({ file: instance(Uint8Array), name: string() }),
  policy: 'self',
  timeoutMs: 60_000,
});
