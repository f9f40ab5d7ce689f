import type { Message, Unsent } from '$lib/state/chat.svelte.ts';

/** What stands in the thread at one place. `isFirst` begins a run of one person: face and name stand there. */
export type ThreadItem =
  | { readonly kind: 'message'; readonly key: string; readonly message: Message; readonly isFirst: boolean }
  | { readonly kind: 'unsent'; readonly key: string; readonly unsent: Unsent };

export type ThreadDay = { readonly key: string; readonly at: number; readonly items: readonly ThreadItem[] };

const runGapMs = 5 * 60_000;

/** Messages (oldest first) by the day of this device's calendar; what was not sent yet stands at the end. */
export const threadDays = (messages: readonly Message[], unsent: readonly Unsent[]): readonly ThreadDay[] => {
  const days: { key: string; at: number; items: ThreadItem[] }[] = [];
  const dayOf = (at: number) => {
    const key = new Date(at).toDateString();
    const last = days.at(-1);
    if (last?.key === key) return last;
    const day = { key, at, items: [] };
    days.push(day);
    return day;
  };
  let before: Message | null = null;
  for (const message of messages) {
    const day = dayOf(message.at);
    const isFirst = day.items.length === 0 || before?.device !== message.device || message.at - before.at > runGapMs;
    day.items.push({ kind: 'message', key: message.eventId, message, isFirst });
    before = message;
  }
  for (const item of unsent) dayOf(item.at).items.push({ kind: 'unsent', key: item.clientId, unsent: item });
  // One calendar day may come twice when clocks disagree; the keys of a list must not.
  return days.map((day, index) => ({ ...day, key: `${index} ${day.key}` }));
};
