import { array, boolean, nullable, object, picklist, string, type InferOutput } from 'valibot';
import { define, noDeadline } from './define.ts';
import { bytes32Id, count } from './fields.ts';
import { offersSchema } from './node.ts';

const neighbour = object({
  device: bytes32Id,
  person: bytes32Id,
  name: string(),
  /** linked: a proven link stands now; away: known, not linked. */
  state: picklist(['linked', 'away']),
  kind: picklist(['webrtc', 'memory', 'none']),
  rttMs: nullable(count),
  /** Milliseconds since 1970 of the last verified frame; null when never heard since this node started. */
  lastHeardAt: nullable(count),
  offers: offersSchema,
  /** How many events of ours are not yet at this neighbour, as far as its signed receipt tells. */
  build: string(),
});
export type Neighbour = InferOutput<typeof neighbour>;

const mesh = object({
  neighbours: array(neighbour),
  signalling: object({
    url: string(),
    state: picklist(['off', 'connecting', 'open', 'lost']),
    since: count,
  }),
  /** none: the browser gathered no address to be reached at (no network, or no permission); see Mesh for the remedy. */
  candidates: picklist(['unknown', 'some', 'none']),
  webrtc: boolean(),
});
export type Mesh = InferOutput<typeof mesh>;

/** Devices, links, kinds, round-trip times and offers; a snapshot now and at every change. */
export const meshPeers = define({
  name: 'mesh.peers',
  input: object({}),
  output: mesh,
  item: mesh,
  policy: 'self',
  timeoutMs: noDeadline,
});

/** The smallest call there is: proves that a neighbour's bus answers. */
export const meshPing = define({
  name: 'mesh.ping',
  input: object({ nonce: count }),
  output: object({ nonce: count }),
  policy: 'open',
  routable: true,
});
