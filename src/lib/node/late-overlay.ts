import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import type { SpreadTree } from '../kernel/ports/spread.ts';
import { createSignal } from '../kernel/watch.ts';
import type { Overlay, OverlayDeps } from '../mesh/overlay/overlay.ts';
import type { LateParts } from './late-parts.ts';

/**
 * The overlay, loaded behind the start: no first screen waits for it. Until it is here, and where its file cannot be had, every
 * neighbour is wanted up to `limits.linksMax` and news goes to each link, as in a small neighbourhood; loading is tried again.
 */
export const createLateOverlay = (deps: OverlayDeps & { readonly load: LateParts['overlay'] }) => {
  const { clock, links } = deps;
  const stops = createStops();
  const changed = createSignal();
  let overlay: Overlay | null = null;
  let isRunning = false;

  const open = async (): Promise<void> => {
    const part = await deps.load();
    if (!isRunning || overlay) return;
    if (!part.ok) return stops.add(clock.after(limits.overlayShuffleMs, () => void open()));
    const opened = part.value.createOverlay(deps);
    overlay = opened;
    stops.add(opened.onChange(changed.tell));
    stops.add(() => void opened.stop());
    await opened.start();
  };
  const tree: SpreadTree = {
    isNeeded: () => overlay?.tree.isNeeded() ?? false,
    isEager: (source, link) => overlay?.tree.isEager(source, link) ?? true,
    heard: (source, link, isNews) => overlay?.tree.heard(source, link, isNews),
    missed: (source, link) => overlay?.tree.missed(source, link),
  };
  const service: Startable = {
    start: () => {
      if (isRunning) return;
      isRunning = true;
      void open();
    },
    stop: () => {
      isRunning = false;
      stops.run();
      overlay = null;
    },
  };
  return {
    ...service,
    tree,
    wants: (device: string): boolean => overlay?.wants(device) ?? links.all().length < limits.linksMax,
    seeks: (): boolean => overlay?.seeks() ?? true,
    /** A link to a device, made for this call where there is none and the neighbourhood is so large that not everybody is linked. */
    linkTo: (device: string): Promise<Link | null> =>
      overlay?.tree.isNeeded() ? overlay.linkTo(device) : Promise.resolve(links.of(device)),
    tellPresence: (signed: Bytes): void => overlay?.tellPresence(signed),
    isParted: (device: string): boolean => overlay?.isParted(device) ?? false,
    spreadMs: (): number => overlay?.spreadMs() ?? limits.presenceIntervalMs,
    /** What members say of their links, as one picture; what nobody tells is not in it. */
    topology: () => overlay?.topology() ?? { nodes: [], edges: [] },
    toldEdges: () => overlay?.toldEdges() ?? [],
    onChange: changed.on,
  };
};
export type LateOverlay = ReturnType<typeof createLateOverlay>;
