import { SvelteMap } from 'svelte/reactivity';
import { chatRemove } from '../contracts/chat.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err } from '../kernel/result.ts';
import type { TextStore } from './kept-text.svelte.ts';

/** leaving: it can still be taken back; writing: the node is doing it; a failure: it stayed. */
export type Removal = 'leaving' | 'writing' | Failure;

/** How long a removal can be taken back, in milliseconds. */
export const undoMs = 5_000;
const waitingMax = 50;

/**
 * Messages on their way out. Nothing is written before the time to take it back is over, because what neighbours have heard cannot be
 * unsaid. Whoever leaves the page meanwhile meant it: it is written at once, and where that came too late, after the next start.
 */
export const createRemovals = (bus: BusClient, clock: Clock, store: TextStore) => {
  const key = 'hearthnet.chat.removing';
  const byId = new SvelteMap<string, Removal>();
  const cancels = new Map<string, () => void>();

  const keepIds = (): void => {
    const open = [...byId].filter(([, removal]) => typeof removal === 'string').map(([eventId]) => eventId);
    store.write(key, open.slice(-waitingMax).join(' '));
  };

  const write = async (eventId: string): Promise<void> => {
    cancels.get(eventId)?.();
    cancels.delete(eventId);
    byId.set(eventId, 'writing');
    const broke = (cause: unknown) => err(failure('internal', cause instanceof Error ? cause.message : 'call-broke'));
    const reply = await bus.call(chatRemove, { eventId }).catch(broke);
    // Where it went well the mark goes after the snapshot that shows the message as removed: it is never seen once more.
    if (reply.ok) clock.after(undoMs, () => byId.delete(eventId));
    else byId.set(eventId, reply.error);
    store.write(
      key,
      (store.read(key) ?? '')
        .split(' ')
        .filter((id) => id !== eventId)
        .join(' '),
    );
  };

  const ask = (eventId: string): void => {
    if (cancels.has(eventId)) return;
    byId.set(eventId, 'leaving');
    keepIds();
    cancels.set(
      eventId,
      clock.after(undoMs, () => void write(eventId)),
    );
  };
  for (const eventId of (store.read(key) ?? '').split(' ').slice(0, waitingMax)) if (eventId !== '') ask(eventId);

  return {
    of: (eventId: string): Removal | null => byId.get(eventId) ?? null,
    ask,
    undo: (eventId: string): void => {
      cancels.get(eventId)?.();
      cancels.delete(eventId);
      byId.delete(eventId);
      keepIds();
    },
    /** Writes at once what waits. */
    flush: (): void => {
      for (const eventId of [...cancels.keys()]) void write(eventId);
    },
  };
};
export type Removals = ReturnType<typeof createRemovals>;
