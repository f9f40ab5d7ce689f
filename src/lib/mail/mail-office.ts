import { createStops, type Startable } from '../kernel/lifecycle.ts';
import type { DeviceKeys } from '../kernel/ports/crypto.ts';
import type { Links } from '../kernel/ports/links.ts';
import { createSignal } from '../kernel/watch.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { createCommunityBox, type CommunityBox, type CommunityBoxDeps } from './community-box.ts';
import { openLetters, type Letters } from './letters.ts';

export type MailOfficeDeps = Omit<CommunityBoxDeps, 'here' | 'isLinkedToAll' | 'letters'> & {
  readonly links: Links;
  readonly keys: () => DeviceKeys;
  /** The one neighbourhood this node is in, and a listener for every change of it. */
  readonly holder: { current(): Neighbourhood | null; onChange(listener: () => void): () => void };
};

type Open = { readonly here: Neighbourhood; readonly box: CommunityBox; readonly letters: Letters };

/** Mail of whichever neighbourhood this node is in: opened and closed with it. */
export const createMailOffice = (deps: MailOfficeDeps) => {
  const { holder, links, mailboxes } = deps;
  const changed = createSignal();
  const stops = createStops();
  let open: Open | null = null;
  let turn: Promise<void> = Promise.resolve();
  let isRunning = false;

  const close = (): void => {
    open?.box.stop();
    open?.letters.stop();
    open = null;
  };
  const settle = async (): Promise<void> => {
    const here = isRunning ? holder.current() : null;
    if (here === (open?.here ?? null)) return;
    close();
    if (here) open = await openOf(here);
    // What was closed while it was being opened has never begun.
    if (holder.current() !== here || !isRunning) return settle();
    open?.letters.start();
    open?.box.start();
    changed.tell();
  };
  const settleSoon = (): void => {
    turn = turn.then(settle).catch((error: unknown) => deps.onRefused(`bug: ${String(error)}`));
  };
  const openOf = async (here: Neighbourhood): Promise<Open> => {
    const letters = await openLetters({
      ...deps,
      here,
      keys: deps.keys(),
      putEverywhere: (item) => box.putEverywhere(item),
    });
    const box = createCommunityBox({
      ...deps,
      here,
      letters,
      isLinkedToAll: () => links.all().length >= deviceCount(here) - 1,
    });
    letters.onChange(changed.tell);
    box.onChange(changed.tell);
    return { here, box, letters };
  };

  return {
    start: () => {
      if (isRunning) return;
      isRunning = true;
      stops.add(holder.onChange(() => holder.current() !== (open?.here ?? null) && settleSoon()));
      stops.add(mailboxes.onOpen(() => void open?.letters.onRelay()));
      settleSoon();
    },
    stop: () => {
      isRunning = false;
      stops.run();
      close();
    },
    /** True when a relay keeps this event of ours for whoever is away, as far as this device was told. */
    isKept: (lane: number, seq: number): boolean => open?.box.isKept(lane, seq) ?? false,
    /** Mail for one device; null while this node is in no neighbourhood. */
    letters: (): Letters | null => open?.letters ?? null,
    onChange: changed.on,
  } satisfies Startable & Record<string, unknown>;
};
export type MailOffice = ReturnType<typeof createMailOffice>;

const deviceCount = ({ membership }: Neighbourhood): number =>
  [...membership().members.values()].reduce((total, { devices }) => total + devices.length, 0);
