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
  storagePersisted: boolean(),
  startedAt: count,
  /** How far this device's clock is from the neighbourhood's, in ms, when it is more than five minutes off; else 0. */
  clockOffsetMs: pipe(number(), integer()),
  /** fallback: the browser knows no Ed25519 or X25519, so that they are computed by this app itself. */
  crypto: picklist(['webcrypto', 'fallback']),
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

/** Sets what the person may change of their own node; an absent field stays. An empty signalUrl means "the default". */
export const nodeConfigure = define({
  name: 'node.configure',
  input: object({ name: optional(personName), signalUrl: optional(pipe(string(), maxLength(300))) }),
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
  caller: string(),
  candidates: array(object({ device: string(), score: count, skipped: optional(string()) })),
  attempts: array(object({ device: string(), outcome: string() })),
  servedBy: nullable(string()),
  outcome: string(),
  ms: count,
});
export const nodeTraces = define({
  name: 'node.traces',
  input: object({ most: optional(count, 50) }),
  output: object({ traces: array(trace), total: count }),
  policy: 'self',
});

/** A neighbour's offers, as presence carries them: capability id -> params. */
export const offersSchema = array(object({ capability: string(), params: record(string(), names) }));
