import { meshCheck, meshPing, type CheckStep, type MeshCheck } from '../../contracts/mesh.ts';
import type { Bus } from '../../kernel/bus/bus.ts';
import { createStops, type Startable } from '../../kernel/lifecycle.ts';
import { limits } from '../../kernel/limits.ts';
import { pause, type Clock } from '../../kernel/ports/clock.ts';
import type { Transport } from '../../kernel/ports/transport.ts';
import { ok } from '../../kernel/result.ts';

export type CheckDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly transport: Pick<Transport, 'state' | 'probe' | 'trials'>;
  /** What the system says of this device's network. */
  readonly isOnline: () => boolean;
  readonly hidesAddress: () => boolean;
  /** How far this device's clock is from the neighbourhood's, in ms. */
  readonly clockOffsetMs: () => number;
  readonly isMember: () => boolean;
  /** The devices that are linked now, of members only. */
  readonly linked: () => readonly string[];
  /** Devices of members of which there is any sign at this moment. */
  readonly near: () => readonly string[];
};

type Name = CheckStep['name'];
type Verdict = Pick<CheckStep, 'state' | 'reason' | 'detail'>;
type Step = { readonly name: Name; run(deps: CheckDeps, signal: AbortSignal): Promise<Verdict> };

/**
 * The six things a link needs, tried now and in order. A step that rests on a broken one is not tried but says so; a link that
 * stands all the same (without a server, say) makes the check end well, and the broken step stays told.
 */
export const createCheckService = (deps: CheckDeps): Startable => {
  const stops = createStops();
  return {
    start: () => {
      stops.add(
        deps.bus.register(meshCheck, async function* (_input, { signal }) {
          return ok(yield* runCheck(deps, signal));
        }),
      );
    },
    stop: stops.run,
  };
};

const runCheck = async function* (deps: CheckDeps, signal: AbortSignal): AsyncGenerator<MeshCheck, MeshCheck> {
  const done: CheckStep[] = [];
  const told = (running: Name | null): MeshCheck => summaryOf(done, running);
  for (const step of steps) {
    if (signal.aborted) break;
    yield told(step.name);
    const startedAt = deps.clock.now();
    const verdict = rests(step.name, done, deps) ?? (await step.run(deps, signal));
    done.push({ name: step.name, ...verdict, ms: Math.max(0, Math.round(deps.clock.now() - startedAt)) });
  }
  const last = told(null);
  yield last;
  return last;
};

const fine = (detail = ''): Verdict => ({ state: 'ok', reason: '', detail });
const broken = (reason: CheckStep['reason'], detail = ''): Verdict => ({ state: 'failed', reason, detail });
const untried = (reason: CheckStep['reason']): Verdict => ({ state: 'skipped', reason, detail: '' });

const steps: readonly Step[] = [
  { name: 'network', run: async ({ isOnline }) => (isOnline() ? fine() : broken('offline')) },
  { name: 'address', run: (deps) => addressGathered(deps) },
  { name: 'server', run: (deps, signal) => serverAnswers(deps, signal) },
  { name: 'meeting', run: (deps) => meetingWorks(deps) },
  { name: 'neighbour', run: (deps, signal) => neighbourFound(deps, signal) },
  { name: 'link', run: (deps, signal) => linkCarries(deps, signal) },
];

/** What a step needs of those before it; where nobody is linked, nothing can be tried past a broken one. */
const restsOn: { readonly [name in Name]?: readonly Name[] } = { meeting: ['server'], link: ['neighbour'] };
const rests = (name: Name, done: readonly CheckStep[], { linked }: CheckDeps): Verdict | null => {
  const isBroken = (before: Name): boolean => done.find((step) => step.name === before)?.state !== 'ok';
  if (restsOn[name]?.some(isBroken)) return untried('step-before');
  // Looking for neighbours where no server answers and no link stands finds nobody, after a long wait.
  if (name === 'neighbour' && linked().length === 0 && (isBroken('server') || isBroken('meeting')))
    return untried('step-before');
  return null;
};

const addressGathered = async ({ transport, hidesAddress }: CheckDeps): Promise<Verdict> => {
  if (hidesAddress()) return untried('address-hidden');
  if (!transport.state().isAvailable) return broken('no-webrtc');
  const found = (await transport.trials?.gather()) ?? transport.state().candidates;
  if (found === 'unknown') return untried('address-unknown');
  return found === 'some' ? fine() : broken('no-address');
};

const serverAnswers = async (deps: CheckDeps, signal: AbortSignal): Promise<Verdict> => {
  const open = () => deps.transport.state().servers.find(({ state }) => state === 'open');
  if (deps.transport.state().servers.every(({ state }) => state === 'off')) return broken('server-none');
  if (!open()) deps.transport.probe();
  await until(deps, () => open() !== undefined, signal);
  const server = open();
  if (server) return fine(server.url);
  return broken('server-silent', deps.transport.state().signalling.url);
};

const meetingWorks = async ({ transport, clockOffsetMs }: CheckDeps): Promise<Verdict> => {
  const answeredMs = await transport.trials?.meet();
  if (answeredMs === null) return broken('meeting-silent');
  const offMs = clockOffsetMs();
  if (offMs !== 0) return broken('clock-off', `${Math.round(offMs / 1_000)} s`);
  return fine(answeredMs === undefined ? '' : `${Math.round(answeredMs)} ms`);
};

const neighbourFound = async (deps: CheckDeps, signal: AbortSignal): Promise<Verdict> => {
  if (!deps.isMember()) return broken('no-neighbourhood');
  const count = (): number => new Set([...deps.linked(), ...deps.near()]).size;
  if (count() === 0) deps.transport.probe();
  await until(deps, () => count() > 0, signal);
  return count() > 0 ? fine(String(count())) : broken('nobody');
};

/** A link that stands is not yet one that carries: a neighbour's bus has to answer over it. A new one tells what it serves only after a moment. */
const linkCarries = async (deps: CheckDeps, signal: AbortSignal): Promise<Verdict> => {
  await until(deps, () => deps.linked().length > 0, signal);
  if (deps.linked().length === 0) return broken('no-link');
  const endsAt = deps.clock.now() + limits.checkStepMs;
  for (;;) {
    const quickest = await quickestPing(deps, signal);
    if (quickest !== null) return fine(`${Math.round(quickest)} ms`);
    if (signal.aborted || deps.clock.now() >= endsAt) return broken('no-answer');
    await pause(deps.clock, repeatMs, signal).catch(() => undefined);
  }
};

/** Milliseconds until the first of a few linked devices answered; null when none did. */
const quickestPing = async ({ bus, linked }: CheckDeps, signal: AbortSignal): Promise<number | null> => {
  const pings = linked()
    .slice(0, pingedMax)
    .map(async (device) => {
      const reply = await bus.call(meshPing, { nonce: 6 }, { device, signal });
      return reply.ok ? reply.value.meta.ms : Infinity;
    });
  const quickest = Math.min(Infinity, ...(await Promise.all(pings)));
  return Number.isFinite(quickest) ? quickest : null;
};
const repeatMs = 300;
const pingedMax = 3;

/** Waits until it holds, for the patience of a step at most. */
const until = async ({ clock }: CheckDeps, holds: () => boolean, signal: AbortSignal): Promise<void> => {
  const endsAt = clock.now() + limits.checkStepMs;
  while (!holds() && !signal.aborted && clock.now() < endsAt) await pause(clock, 100, signal).catch(() => undefined);
};

const summaryOf = (done: readonly CheckStep[], running: Name | null): MeshCheck => {
  const waiting = (name: Name): CheckStep => ({
    ...{ name, reason: '', ms: 0, detail: '' },
    state: name === running ? 'running' : 'waiting',
  });
  const all = steps.map(({ name }) => done.find((step) => step.name === name) ?? waiting(name));
  const hindering = all.find(({ state }) => state === 'failed')?.name ?? '';
  const isLinked = all.some(({ name, state }) => name === 'link' && state === 'ok');
  return { steps: all, outcome: running ? 'running' : isLinked ? 'linked' : 'broken', broken: hindering };
};
