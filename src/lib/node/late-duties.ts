import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type * as Duties from './duties.ts';
import type { LoadPart } from './load-part.ts';

export type LoadDuties = LoadPart<Pick<typeof Duties, 'createDuties'>>;

/** The duties of a trusted device, loaded behind the start; they wait for each other anyway. Where the file cannot be had it is tried again. */
export const createLateDuties = (deps: Duties.DutiesDeps & { readonly load: LoadDuties }): Startable => {
  const stops = createStops();
  let isRunning = false;
  const open = async (): Promise<void> => {
    const part = await deps.load();
    if (!isRunning) return;
    if (!part.ok) return stops.add(deps.clock.after(limits.dutyLookMs, () => void open()));
    const duties = part.value.createDuties(deps);
    stops.add(() => void duties.stop());
    await duties.start();
  };
  return {
    start: () => {
      if (isRunning) return;
      isRunning = true;
      void open();
    },
    stop: () => {
      isRunning = false;
      stops.run();
    },
  };
};
