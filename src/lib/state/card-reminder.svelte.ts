import type { Clock } from '../kernel/ports/clock.ts';
import { isCardUntested, type Devices } from './devices.svelte.ts';
import { createKeptText, type TextStore } from './kept-text.svelte.ts';
import { pageClock } from './page-clock.ts';

/** Who said "later" is left alone for so long, in milliseconds. */
const laterMs = 7 * 24 * 3600_000;
const storageKey = 'hearthnet.card-later';

/** Whether to remind of the recovery card: until it was tested, after the first words of one's own, and not for a week after "later". */
export const createCardReminder = (
  devices: { readonly value: Devices | null },
  { clock = pageClock, store }: { readonly clock?: Clock; readonly store?: TextStore } = {},
) => {
  const later = createKeptText(storageKey, store);
  return {
    isDue: (hasSaidSomething: boolean): boolean =>
      hasSaidSomething && isCardUntested(devices.value) && clock.now() - Number(later.value) > laterMs,
    /** The words were seen; only the test is missing. */
    get wasShown() {
      return devices.value?.cardShownAt != null;
    },
    later: (): void => {
      later.value = String(clock.now());
    },
  };
};
