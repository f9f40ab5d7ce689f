import {
  array,
  boolean,
  integer,
  nullable,
  number,
  object,
  optional,
  picklist,
  pipe,
  maxLength,
  record,
  string,
  type InferOutput,
} from 'valibot';
import { define, noDeadline } from './define.ts';
import { bytes16Id, bytes32Id, count, names, personName, shortText } from './fields.ts';
import { givingChange, givingView } from './giving.ts';

/** none: no neighbourhood yet; pending: joined, waiting to be let in; member: in; removed: was in, and this device or its person is out. */
export const membershipState = picklist(['none', 'pending', 'member', 'removed']);

const nodeInfo = object({
  device: bytes32Id,
  person: bytes32Id,
  name: string(),
  build: shortText,
  community: nullable(object({ id: bytes16Id, name: string() })),
  membership: membershipState,
  /** Why a pending join has not got on, as a failure reason; '' while there is nothing to say. */
  pendingReason: shortText,
  signalUrl: shortText,
  /** The address this app was built with; what "reset" returns to. */
  defaultSignalUrl: shortText,
  /** Links go over a server only, so that no neighbour learns this device's address. */
  hidesAddress: boolean(),
  storagePersisted: boolean(),
  startedAt: count,
  /** How far this device's clock is from the neighbourhood's, in ms, when it is more than five minutes off; else 0. */
  clockOffsetMs: pipe(number(), integer()),
  /** fallback: the browser knows no Ed25519 or X25519, so that they are computed by this app itself. */
  crypto: picklist(['webcrypto', 'fallback']),
  giving: givingView,
});
export type NodeInfo = InferOutput<typeof nodeInfo>;

/** Who this node is and whether it is in a neighbourhood. The stream yields a snapshot now and at every change. */
export const nodeInfoCapability = define({
  name: 'node.info',
  input: object({}),
  output: nodeInfo,
  item: nodeInfo,
  policy: 'self',
  timeoutMs: noDeadline,
});

const nodeChange = object({
  name: optional(personName),
  signalUrl: optional(pipe(string(), maxLength(300))),
  hidesAddress: optional(boolean()),
  ...givingChange,
});
export type NodeChange = InferOutput<typeof nodeChange>;

/** Sets what the person may change of their own node; an absent field stays. An empty signalUrl means "the default". */
export const nodeConfigure = define({
  name: 'node.configure',
  input: nodeChange,
  output: object({}),
  policy: 'self',
  idempotent: false,
});

export const selfTestStep = object({ name: string(), ok: boolean(), ms: count, detail: string() });
/** Each module proves itself now: nothing here is remembered from earlier. */
export const nodeSelfTest = define({
  name: 'node.selfTest',
  input: object({}),
  output: object({ steps: array(selfTestStep) }),
  policy: 'self',
  timeoutMs: 60_000,
});

const trace = object({
  id: count,
  at: count,
  capability: string(),
  /** `self`, or the neighbour's device that asked. */
  caller: string(),
  trace: string(),
  session: nullable(string()),
  /** Each provider as the router saw it; successRate and score are in thousandths and milliseconds-equivalents. */
  candidates: array(
    object({
      device: string(),
      score: pipe(number(), integer()),
      p50Ms: count,
      successRate: count,
      loadPercent: count,
      isSticky: boolean(),
      skipped: optional(string()),
    }),
  ),
  attempts: array(object({ device: string(), why: string(), outcome: string(), ms: count })),
  servedBy: nullable(string()),
  outcome: string(),
  ms: count,
});
export type CallTrace = InferOutput<typeof trace>;
const traces = object({ traces: array(trace), total: count });
/**
 * The newest calls of this node's bus, newest first: all, those with a neighbour in them, or those that were refused or failed
 * (whoever stopped a call themselves was not refused). `live`: a stream, now and after changes, at most once a second.
 */
export const nodeTraces = define({
  name: 'node.traces',
  input: object({
    most: optional(count, 50),
    only: optional(picklist(['all', 'neighbours', 'refused']), 'all'),
    live: optional(boolean(), false),
  }),
  output: traces,
  item: traces,
  policy: 'self',
  timeoutMs: noDeadline,
});

const figureRow = object({
  capability: string(),
  /** asked: this device's calls, `peer` served or was tried last; served: calls of the neighbour `peer`, answered or refused here. */
  direction: picklist(['asked', 'served']),
  /** A device; '' when nobody was there to be asked; '*' for the devices together whose own row had to make room. */
  peer: string(),
  calls: count,
  ok: count,
  /** How often a call ended with which code of a failure. */
  refusals: array(object({ code: string(), count })),
  /** Of the calls that were served, within 5 % of the exact quantile. */
  p50Ms: count,
  p99Ms: count,
  totalMs: count,
  hedges: count,
  failovers: count,
  /** Tries at this device that failed and were taken over by another. */
  missed: count,
  lastServedAt: nullable(count),
});
export type FigureRow = InferOutput<typeof figureRow>;
const metrics = object({
  /** The figures for monitoring tools (Prometheus text format 0.0.4); '' in the live stream, which is for screens. */
  text: string(),
  rows: array(figureRow),
  /** Finished calls since this node started. */
  calls: count,
  inFlight: count,
});
export type Metrics = InferOutput<typeof metrics>;
/** What the bus has been doing since this node started. `live`: a stream, now and after changes, at most once a second. */
export const nodeMetrics = define({
  name: 'node.metrics',
  input: object({ live: optional(boolean(), false) }),
  output: metrics,
  item: metrics,
  policy: 'self',
  timeoutMs: noDeadline,
});

/** A device's offers, as presence carries them: capability id -> params, and how busy it is. */
export const offersSchema = array(
  object({ capability: string(), params: record(string(), names), loadPercent: count, isFull: boolean() }),
);
