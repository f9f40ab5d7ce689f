import type { Mesh } from '../contracts/mesh.ts';
import type { NodeInfo } from '../contracts/node.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Live } from './live.svelte.ts';
import { pageClock } from './page-clock.ts';

/**
 * neighbours: somebody is linked; no-internet: somebody is linked though this device has no network to the world;
 * looking: nobody yet, and it is early; alone: nobody, and there is nothing to wait for.
 */
export type Standing = 'neighbours' | 'no-internet' | 'looking' | 'alone';

/** How long an open meeting place is called "looking" before the pill admits that nobody is there. */
const lookingMs = 20_000;
const tickMs = 5_000;

/** Persons near now, linked or heard through others, each once however many devices they have; one's own other devices are none. */
export const countNeighbours = (mesh: Mesh | null, self: string): number =>
  new Set(mesh?.neighbours.filter((one) => one.state !== 'away' && one.person !== self).map((one) => one.person)).size;

export const standingOf = (info: NodeInfo | null, mesh: Mesh | null, now: number, isOnline: boolean): Standing => {
  if (!info || !mesh) return 'looking';
  if (info.membership === 'none' || info.membership === 'removed') return 'alone';
  if (countNeighbours(mesh, info.person) > 0) return isOnline ? 'neighbours' : 'no-internet';
  const { state, since } = mesh.signalling;
  // Whoever waits at a door keeps knocking; a member is called alone after a while.
  const isEarly =
    state === 'connecting' || (state === 'open' && (info.membership === 'pending' || now - since < lookingMs));
  return isOnline && isEarly ? 'looking' : 'alone';
};

/** Follows node, mesh, network and clock, and says how this device stands. */
export const createNeighbourhood = (
  info: Live<NodeInfo>,
  mesh: Live<Mesh>,
  clock: Clock = pageClock,
  window: Window = globalThis.window,
) => {
  let now = $state(clock.now());
  let isOnline = $state(window.navigator.onLine);
  const listen = (): void => {
    isOnline = window.navigator.onLine;
  };
  window.addEventListener('online', listen);
  window.addEventListener('offline', listen);
  const stopTicking = every(
    clock,
    () => tickMs,
    () => (now = clock.now()),
  );
  const standing = $derived(standingOf(info.value, mesh.value, now, isOnline));
  const count = $derived(countNeighbours(mesh.value, info.value?.person ?? ''));

  return {
    get standing() {
      return standing;
    },
    get count() {
      return count;
    },
    get isOnline() {
      return isOnline;
    },
    stop: () => {
      stopTicking();
      window.removeEventListener('online', listen);
      window.removeEventListener('offline', listen);
    },
  };
};
export type Neighbourhood = ReturnType<typeof createNeighbourhood>;
