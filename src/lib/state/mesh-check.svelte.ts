import { meshCheck, type CheckStep, type MeshCheck } from '../contracts/mesh.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Failure } from '../kernel/errors.ts';

export type { CheckStep, MeshCheck };

/** The self-check of the connection on screen: one run at a time, which a tap ends or begins anew. */
export const createMeshCheck = ({ bus }: { readonly bus: BusClient }) => {
  let value = $state.raw<MeshCheck | null>(null);
  let failure = $state.raw<Failure | null>(null);
  let leaving = $state.raw<AbortController | null>(null);

  const run = async (): Promise<void> => {
    leaving?.abort();
    const mine = new AbortController();
    leaving = mine;
    [value, failure] = [null, null];
    const steps = bus.stream(meshCheck, {}, { signal: mine.signal });
    for (;;) {
      const step = await steps.next();
      // A later run, or the person, has put this one aside.
      if (leaving !== mine) return;
      if (!step.done) value = step.value;
      else {
        failure = step.value.ok ? null : step.value.error;
        leaving = null;
        return;
      }
    }
  };

  return {
    /** The newest state of the six steps; null before the first run. Of a run that was cancelled it keeps what was found. */
    get value() {
      return value;
    },
    get failure() {
      return failure;
    },
    get isRunning() {
      return leaving !== null;
    },
    run,
    cancel: (): void => {
      const mine = leaving;
      leaving = null;
      mine?.abort();
    },
  };
};
export type MeshCheckState = ReturnType<typeof createMeshCheck>;
