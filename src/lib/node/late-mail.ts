import { createStops, type Startable } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { createSignal } from '../kernel/watch.ts';
import type { MailOffice, MailOfficeDeps } from '../mail/mail-office.ts';
import type { LateParts } from './late-parts.ts';

const retryMs = 60_000;

/** Mail stands behind the start in a file of its own: nobody's first screen waits for what lies at a relay. */
export const createLateMail = (
  deps: MailOfficeDeps & { readonly clock: Clock; readonly parts: Pick<LateParts, 'mailOffice'> },
): Startable & Pick<MailOffice, 'isKept' | 'letters' | 'onChange'> => {
  const stops = createStops();
  const changed = createSignal();
  let office: MailOffice | null = null;
  let isRunning = false;

  const open = async (): Promise<void> => {
    const part = await deps.parts.mailOffice();
    if (!isRunning) return;
    if (!part.ok) return void stops.add(deps.clock.after(retryMs, () => void open()));
    office = part.value.createMailOffice(deps);
    stops.add(office.onChange(changed.tell));
    stops.add(office.stop);
    office.start();
  };
  return {
    start: () => {
      if (isRunning) return;
      isRunning = true;
      void open();
    },
    stop: () => {
      isRunning = false;
      office = null;
      stops.run();
    },
    isKept: (lane, seq) => office?.isKept(lane, seq) ?? false,
    letters: () => office?.letters() ?? null,
    onChange: changed.on,
  };
};
