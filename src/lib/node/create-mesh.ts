import { contractsByName } from '../contracts/index.ts';
import { schemaOf } from '../contracts/schema-hashes.ts';
import { createBus } from '../kernel/bus/bus.ts';
import type { Role } from '../kernel/bus/capability.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err } from '../kernel/result.ts';
import { createActs } from '../log/acts.ts';
import { createCommunityMeeting } from '../mesh/community-meeting.ts';
import { createDoors } from '../mesh/doors.ts';
import { createHelloClock } from '../mesh/hello-clock.ts';
import { createNeighbours, type Guest } from '../mesh/neighbours.ts';
import { createRpc } from '../mesh/rpc.ts';
import { encodeFrame } from '../replica/frames.ts';
import { createGiving, type Giving } from '../services/giving.ts';
import { createPresence, type Passed } from '../services/presence.ts';
import type { Device } from './device.ts';
import { createDeviceCount } from './device-count.ts';
import { createLargeInputs } from './large-inputs.ts';
import { lateParts } from './late-parts.ts';
import { createLateOverlay } from './late-overlay.ts';
import { createNeighbourhoodHolder } from './neighbourhood-holder.ts';
import type { NodeDeps } from './node-deps.ts';
import { isGiven, isOffered } from './services.ts';
import type { Settings } from './settings.ts';
import { createLateTokens } from './late-tokens.ts';
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
  const street = createStreet(deps, device, settings, {
    onRefused,
    onOwnAhead: self.onOwnAhead,
    takePresence: (signed) => calls.presence.takePassed(signed),
  });
  const { neighbours, holder, turnAway } = street;
  const giving = createGiving({
    capabilities: contractsByName.values(),
    current: () => settings.current().giving,
    save: (wish) => settings.save({ giving: wish }),
  });
  const ownName = (): string =>
    holder.current()?.membership().members.get(device.person)?.name ?? settings.current().name;
  const calls = createCalls(deps, device, street, { giving, ownName, onRefused });
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
  return { ...street, ...calls, giving, refusals, onRefused, tellNewMembers, meeting, doors, meetingKeys: keys };
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
    takePresence,
  }: {
    readonly onRefused: OnRefused;
    readonly onOwnAhead: (kind: 'behind' | 'forked') => void;
    readonly takePresence: (signed: Bytes) => Promise<Passed>;
  },
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
    wants: (id) => overlay.wants(id),
    seeks: () => overlay.seeks(),
    barOf: (id, person) => membership()?.barOf(id, person) ?? null,
    onBarred: (guest, reason) => {
      tellProofs(guest);
      turnAway(guest, reason);
    },
    onClock: (person, theirMs, roundTripMs) => helloClock.note(person, theirMs, roundTripMs),
  });
  const { links } = neighbours;
  const overlay = createLateOverlay({
    load: (deps.parts ?? lateParts).overlay,
    clock,
    communityNow: communityClock.now,
    random,
    crypto,
    signing: device.keys.signing,
    self: () => device.device,
    links,
    live: neighbours.live,
    deviceCount: createDeviceCount(() => holder.current()?.membership()),
    isMember: (id) => roleOf(id) !== null,
    epoch: () => holder.current()?.currentKey()?.epoch ?? '',
    addRoad: transport.addRoad,
    announce: transport.probe,
    takePresence,
    onRefused,
  });
  const holder = createNeighbourhoodHolder({
    crypto,
    clock,
    communityClock,
    random,
    store,
    links,
    tree: overlay.tree,
    device: () => device,
    onOwnAhead,
    loadDuties: (deps.parts ?? lateParts).duties,
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
  return { helloClock, communityClock, neighbours, overlay, holder, roleOf, turnAway };
};
type Street = ReturnType<typeof createStreet>;

/** The bus with both its gates, the calls that come and go over links, and what is told of what we offer. */
const createCalls = (
  deps: NodeDeps,
  device: Device,
  street: Street,
  {
    giving,
    ownName,
    onRefused,
  }: { readonly giving: Giving; readonly ownName: () => string; readonly onRefused: OnRefused },
) => {
  const { crypto, clock, random, store } = deps;
  const { helloClock, communityClock, neighbours, overlay, holder, roleOf } = street;
  const { links } = neighbours;
  const largeInputs = createLargeInputs({ crypto, clock, random, load: (deps.parts ?? lateParts).callInputs });
  const rpc = createRpc({
    clock,
    links,
    contractsByName,
    inputs: largeInputs.inputs,
    linkTo: overlay.linkTo,
    serve: (...request) => bus.serve(...request),
    onPresence: (manifest, link) => void presence.take(manifest, link),
    onRefused,
  });
  const court = createTokenCourt(holder.current, helloClock);
  const tokens = createLateTokens({
    part: (deps.parts ?? lateParts).tokenRoom,
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
    random,
    self: () => device.device,
    views: { roleOf, judgeToken: tokens.judge },
    remote: rpc,
    tokensFor: tokens.tokensFor,
    serving: giving,
    schemaOf,
  });
  const presence = createPresence({
    bus,
    clock,
    communityNow: communityClock.now,
    crypto,
    signing: device.keys.signing,
    links,
    spread: { tell: overlay.tellPresence, everyMs: overlay.spreadMs, isParted: overlay.isParted },
    isMember: (id) => roleOf(id) !== null,
    broadcast: (manifest) => rpc.broadcast(manifest, (id) => roleOf(id) !== null),
    about: () => ({
      name: ownName().slice(0, limits.nameCharsMax),
      profile: giving.view().profile,
      battery: giving.batteryClass(),
    }),
    isOffered: (name) => isGiven(name, giving),
    isKnown: isOffered,
    lastHeardAt: (id) =>
      neighbours
        .live()
        .find(({ peer }) => peer.device === id)
        ?.lastHeardAt() ?? null,
    isSaving: giving.isSaving,
    onRefused,
  });
  return { rpc, largeInputs, tokens, bus, presence };
};
