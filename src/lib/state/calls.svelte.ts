import { nodeTraces, type CallTrace } from '../contracts/node.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { createLive, type Live } from './live.svelte.ts';

export type { CallTrace };
export type CallFilter = 'all' | 'neighbours' | 'refused';
export const callFilters: readonly CallFilter[] = ['all', 'neighbours', 'refused'];

const shownMost = 50;
type Traces = { readonly traces: readonly CallTrace[]; readonly total: number };

/** The last calls of this node, followed live; the list stands still while the reader holds it. */
export const createCallsState = ({ bus }: { bus: BusClient }) => {
  const follow = (only: CallFilter): Live<Traces> => createLive(bus, nodeTraces, { live: true, most: shownMost, only });
  let only = $state<CallFilter>('all');
  let live = $state.raw(follow('all'));
  let held = $state.raw<Traces | null>(null);
  return {
    get calls(): readonly CallTrace[] {
      return (held ?? live.value)?.traces ?? [];
    },
    get isLoading() {
      return live.isLoading && held === null;
    },
    get failure() {
      return live.failure;
    },
    get only() {
      return only;
    },
    get isHeld() {
      return held !== null;
    },
    show: (next: CallFilter): void => {
      live.stop();
      only = next;
      held = null;
      live = follow(next);
    },
    hold: (): void => void (held = live.value),
    goOn: (): void => void (held = null),
    stop: (): void => live.stop(),
  };
};
export type CallsState = ReturnType<typeof createCallsState>;
