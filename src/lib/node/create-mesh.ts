import { contractsByName } from '../contracts/index.ts';
import { createBus } from '../kernel/bus.ts';
import type { Role } from '../kernel/capability.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err } from '../kernel/result.ts';
import { createActs } from '../log/acts.ts';
import { createCommunityMeeting } from '../mesh/community-meeting.ts';
import { createDoors } from '../mesh/doors.ts';
import { createHelloClock } from '../mesh/hello-clock.ts';
import { createNeighbours, type Guest } from '../mesh/neighbours.ts';
import { createRpc } from '../mesh/rpc.ts';
import { encodeFrame } from '../replica/frames.ts';
import { createPresence } from '../services/presence.ts';
import type { Device } from './device.ts';
import { createNeighbourhoodHolder } from './neighbourhood-holder.ts';
import type { NodeDeps } from './node-deps.ts';
import { isOffered } from './services.ts';
import type { Settings } from './settings.ts';
import { createTokenBox } from './token-box.ts';
import { createTokenCourt } from './token-court.ts';

/** Links, the log behind them and the bus over them. */
export const createMesh = (
  deps: NodeDeps,
  device: Device,
  settings: Settings,
  self: { readonly keyOfReturn: () => Bytes | null; readonly onOwnAhead: (kind: 'behind' | 'forked') => void },
) => {
  const { crypto, clock, random } = deps;
  const refusals = new Map<string, number>();
  const onRefused = (reason: string): void => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  const street = createStreet(deps, device, settings, { onRefused, onOwnAhead: self.onOwnAhead });
  const { neighbours, holder, turnAway } = street;
  const calls = createCalls(deps, device, street, onRefused);
  let memberCount = 0;
  /** A neighbour whose admission came here after its link has not been told what we offer. */
  const tellNewMembers = (): void => {
    const count = holder.current()?.membership().members.size ?? 0;
    if (count !== memberCount) calls.presence.sendSoon();
    memberCount = count;
  };
  const keys = (): readonly Bytes[] => {
    const here = holder.current();
    const key = here?.mayMeet() ? null : self.keyOfReturn();
    return here?.mayMeet() ? here.meetingKeys() : key ? [key] : [];
  };
  const meeting = createCommunityMeeting({ crypto, clock, neighbours, keys });
  const doors = createDoors({ crypto, clock, random, neighbours, turnAway });
  return { ...street, ...calls, refusals, onRefused, tellNewMembers, meeting, doors };
};

type OnRefused = (reason: string) => void;

/** Who is near, what time it is among them, and the log that they share. */
const createStreet = (
  deps: NodeDeps,
  device: Device,
  settings: Settings,
  {
    onRefused,
    onOwnAhead,
  }: { readonly onRefused: OnRefused; readonly onOwnAhead: (kind: 'behind' | 'forked') => void },
) => {
  const { crypto, clock, random, store, transport, build } = deps;
  const membership = () => holder.current()?.membership();
  const helloClock = createHelloClock({ clock, isMember: (person) => membership()?.members.has(person) ?? false });
  const communityClock = helloClock.clock;
  const neighbours = createNeighbours({
    clock,
    random,
    crypto,
    transport,
    self: () => ({
      certificate: device.certificate,
      signing: device.keys.signing,
      name: settings.current().name,
      build,
    }),
    onRefused,
    barOf: (id, person) => membership()?.barOf(id, person) ?? null,
    onBarred: (guest, reason) => {
      tellProofs(guest);
      turnAway(guest, reason);
    },
    onClock: (person, theirMs, roundTripMs) => helloClock.note(person, theirMs, roundTripMs),
  });
  const { links } = neighbours;
  const holder = createNeighbourhoodHolder({
    crypto,
    clock,
    communityClock,
    random,
    store,
    links,
    device: () => device,
    onOwnAhead,
  });
  /** A device that is frozen may not know why (its profile was copied): what proves it needs no trust. */
  const tellProofs = ({ link }: Guest): void => {
    const log = holder.current()?.log;
    for (const { device: frozen, lane } of log?.forks() ?? []) {
      const proof = frozen === link.peer.device ? log?.proofAt(frozen, lane) : null;
      if (proof) link.send('sync', encodeFrame({ type: 'proof', proof: proof.bytes }));
    }
  };
  const roleOf = (id: string): Role | null => membership()?.roleOf(id) ?? null;
  const turnAway = (guest: Guest, reason: string): void => {
    guest.link.send('sync', encodeFrame({ type: 'bye', reason }));
    // The word needs a moment on the wire before the link goes.
    clock.after(1_000, () => guest.link.close('turned-away'));
  };
  return { helloClock, communityClock, neighbours, holder, roleOf, turnAway };
};
type Street = ReturnType<typeof createStreet>;

/** The bus with both its gates, the calls that come and go over links, and what is told of what we offer. */
const createCalls = (deps: NodeDeps, device: Device, street: Street, onRefused: OnRefused) => {
  const { crypto, clock, random, store } = deps;
  const { helloClock, communityClock, neighbours, holder, roleOf } = street;
  const { links } = neighbours;
  const rpc = createRpc({
    clock,
    links,
    contractsByName,
    serve: (...request) => bus.serve(...request),
    onPresence: (manifest, link) => void presence.take(manifest, link),
    onRefused,
  });
  const court = createTokenCourt(holder.current, helloClock);
  const tokens = createTokenBox({
    crypto,
    random,
    store,
    self: () => device.keys.signing,
    court,
    roleOf,
    contractsByName,
    writeRevocation: async (hash) => {
      const here = holder.current();
      return here ? createActs({ crypto, random, device: device.keys }).revokeToken(here, hash) : err('not-a-member');
    },
  });
  const bus = createBus({
    clock,
    self: () => device.device,
    views: { roleOf, judgeToken: tokens.judge },
    remote: rpc,
    tokensFor: tokens.tokensFor,
  });
  const presence = createPresence({
    bus,
    clock,
    communityNow: communityClock.now,
    crypto,
    signing: device.keys.signing,
    links,
    broadcast: (manifest) => rpc.broadcast(manifest, (id) => roleOf(id) !== null),
    isOffered,
    onRefused,
  });
  return { rpc, tokens, bus, presence };
};
