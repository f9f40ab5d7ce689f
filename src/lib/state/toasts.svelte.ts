import { untrack } from 'svelte';
import type { Clock } from '../kernel/ports/clock.ts';
import { pageClock } from './page-clock.ts';

export type Toast = {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'alarm';
  readonly action?: { readonly label: string; readonly run: () => void };
};
export type ToastWish = Partial<Pick<Toast, 'tone' | 'action'>> & {
  readonly text: string;
  /** Milliseconds; a toast with `lasts: null` stays until dismissed. */ readonly lasts?: number | null;
};

const standardMs = 6_000;
const shownMax = 3;

/** Short news at the foot of the screen. Texts arrive in the person's language; the newest three stand, the oldest goes first. */
export const createToasts = (clock: Clock = pageClock) => {
  let list = $state.raw<readonly Toast[]>([]);
  let next = 1;

  const dismiss = (id: number): void => {
    list = list.filter((toast) => toast.id !== id);
  };

  /** Shown from effects, too: those must not depend on the list they change, or they would run for ever. */
  const show = ({ text, tone = 'plain', action, lasts = standardMs }: ToastWish): (() => void) => {
    const id = next++;
    const own = action && { label: action.label, run: () => (dismiss(id), action.run()) };
    const before = untrack(() => list);
    list = [...before, { id, text, tone, ...(own && { action: own }) }].slice(-shownMax);
    if (lasts !== null) clock.after(lasts, () => dismiss(id));
    return () => dismiss(id);
  };

  return {
    get list() {
      return list;
    },
    show,
    dismiss,
  };
};
export type Toasts = ReturnType<typeof createToasts>;
