import { array, boolean, nullable, object, picklist, string, type InferOutput } from 'valibot';
import { define, noDeadline } from './define.ts';
import { bytes32Id, count } from './fields.ts';
import { offersSchema } from './node.ts';

const linkWay = picklist(['direct', 'local', 'turned', 'relay', 'device', 'none']);
export type LinkWay = InferOutput<typeof linkWay>;

const neighbour = object({
  device: bytes32Id,
  person: bytes32Id,
  name: string(),
  /** linked: a proven link stands now; near: it was heard lately through other neighbours; away: neither. */
  state: picklist(['linked', 'near', 'away']),
  kind: picklist(['webrtc', 'relay', 'memory', 'none']),
  /**
   * The way its frames take. direct: device to device; local: so too, and both are in one network; turned: device to device through a
   * server that passes packets on; relay: sealed, over the meeting server; device: both are on this device; none: no link.
   */
  way: linkWay,
  /** Where its device is reached, as this browser tells it; only ever of a member, to a member, and of a link from device to device. */
  address: nullable(string()),
  /** Since when the link stands, in ms since 1970. */
  linkedSince: nullable(count),
  rttMs: nullable(count),
  /** Milliseconds since 1970 of the last verified frame; null when never heard since this node started. */
  lastHeardAt: nullable(count),
  /** Whether it has told what it gives, by its signed presence; until then nothing is known of it. */
  hasTold: boolean(),
  offers: offersSchema,
  /** What it says of itself; null until it has. */
  profile: nullable(picklist(['anchor', 'hearth', 'spark', 'bridge'])),
  battery: nullable(picklist(['mains', 'good', 'low', 'unknown'])),
  /** How busy it is, as it says; the busiest of its abilities where that says more. */
  loadPercent: nullable(count),
  build: string(),
});
export type Neighbour = InferOutput<typeof neighbour>;

const serverState = { url: string(), state: picklist(['off', 'connecting', 'open', 'lost']), since: count };
/** own: this person set it; default: this app was built with it; neighbourhood: the others said so in the log. */
const serverOrigin = picklist(['own', 'default', 'neighbourhood']);

/** open: in use or ready to be used; trying: under way; lost: it failed and is tried again; off: not to be had here, or switched off. */
const wayState = picklist(['open', 'trying', 'lost', 'off']);
export type WayState = InferOutput<typeof wayState>;
const ways = object({
  /** A meeting server. */
  server: wayState,
  /** Any neighbour at all: linked, or heard through others. */
  neighbours: wayState,
  /** Devices of the same network, device to device. */
  lan: wayState,
  radio: wayState,
  /** Two codes on two screens, without any server. */
  pair: wayState,
});
export type Ways = InferOutput<typeof ways>;

const mesh = object({
  neighbours: array(neighbour),
  /** What this device gives to its neighbours now. */
  ownOffers: offersSchema,
  /** The server that is best connected. */
  signalling: object(serverState),
  /** Every server that is tried, in order of preference. */
  servers: array(object({ ...serverState, origin: serverOrigin })),
  ways,
  /** none: the browser gathered no address to be reached at (no network, or no permission); see Mesh for the remedy. */
  candidates: picklist(['unknown', 'some', 'none']),
  webrtc: boolean(),
  /** Who drives the channels of links from device to device: the node's own worker, or the page for it. */
  hands: picklist(['unknown', 'worker', 'page']),
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

/** Who is linked with whom. `self`: this device; the others as in `mesh.peers`. */
const topologyNode = object({
  device: bytes32Id,
  person: bytes32Id,
  name: string(),
  state: picklist(['self', 'linked', 'near', 'away']),
});
/** One link, once. `told`: it is this device's own; both ends say so; or one end does. */
const topologyEdge = object({
  from: bytes32Id,
  to: bytes32Id,
  kind: picklist(['webrtc', 'relay', 'memory', 'unknown']),
  told: picklist(['self', 'both', 'one']),
});
const topology = object({
  nodes: array(topologyNode),
  edges: array(topologyEdge),
  /** Devices and links that are known and not listed, because there are too many. */
  left: count,
});
export type Topology = InferOutput<typeof topology>;

/** The neighbourhood as a graph, as far as its members tell each other; a snapshot now and at every change. */
export const meshTopology = define({
  name: 'mesh.topology',
  input: object({}),
  output: topology,
  item: topology,
  policy: 'self',
  timeoutMs: noDeadline,
});

const checkStep = object({
  /** The order in which a link comes about: each step rests on those before it. */
  name: picklist(['network', 'address', 'server', 'meeting', 'neighbour', 'link']),
  state: picklist(['waiting', 'running', 'ok', 'failed', 'skipped']),
  /** Why it failed or was not tried; '' when it did neither. */
  reason: picklist([
    '',
    'offline',
    'no-webrtc',
    'no-address',
    'address-unknown',
    'address-hidden',
    'server-none',
    'server-silent',
    'meeting-silent',
    'clock-off',
    'no-neighbourhood',
    'nobody',
    'no-link',
    'no-answer',
    'step-before',
  ]),
  ms: count,
  /** What was seen, for Details: an address, a count, milliseconds. */
  detail: string(),
});
export type CheckStep = InferOutput<typeof checkStep>;
const check = object({
  steps: array(checkStep),
  /** running until the last step is over; linked: a neighbour answered; broken: it names the step that hinders, and only that one. */
  outcome: picklist(['running', 'linked', 'broken']),
  /** The step that hinders; '' while there is none. */
  broken: picklist(['', 'network', 'address', 'server', 'meeting', 'neighbour', 'link']),
});
export type MeshCheck = InferOutput<typeof check>;

/** Tries now, step by step, what it takes to reach a neighbour. A snapshot at each step; leaving the stream cancels it. */
export const meshCheck = define({
  name: 'mesh.check',
  input: object({}),
  output: check,
  item: check,
  policy: 'self',
  timeoutMs: 60_000,
  maxConcurrent: 2,
});

/** The smallest call there is: proves that a neighbour's bus answers. */
export const meshPing = define({
  name: 'mesh.ping',
  input: object({ nonce: count }),
  output: object({ nonce: count }),
  policy: 'open',
  routable: true,
  cost: 'cheap',
});
