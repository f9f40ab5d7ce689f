import { chatHistory, chatRemove, chatSend, type Message } from '../contracts/chat.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { textToBytes, utf8 } from '../kernel/ids.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { watch } from '../kernel/watch.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { createChatView, type ChatViewDeps } from './chat-view.ts';

export type ChatDeps = ChatViewDeps & {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly onChange: (listener: () => void) => () => void;
};

/** The room "Everyone here": what every member can read. Ticks are counted from signed receipts and nothing else. */
export const createChat = (deps: ChatDeps): Startable => {
  const { bus, current, onChange, selfDevice } = deps;
  const stops = createStops();
  const view = createChatView(deps);
  const onCalmChange = calmly(onChange, () => deps.fetching() !== null, deps.clock);
  const oneSend = createOnce<{ eventId: string; state: Message['state'] }>();
  const oneRemoval = createOnce<{ eventId: string }>();

  const membersOnly = (): Result<Neighbourhood, Failure> => {
    const here = current();
    return here && here.membership().roleOf(selfDevice()) !== null
      ? ok(here)
      : err(failure('forbidden', 'not-a-member'));
  };

  const send = async ({ text, clientId }: { text: string; clientId: string }) => {
    const here = membersOnly();
    if (!here.ok) return here;
    if (utf8(text).length > limits.messageTextBytesMax) return err(failure('too_large', 'message'));
    const said = here.value.findSaid(selfDevice(), clientId);
    if (said) return ok({ eventId: said.event.id, state: view.stateOf(here.value, placeOf(said)).state });
    const appended = await here.value.log.append('chat.message', {
      to: 'everyone',
      text,
      clientId: textToBytes(clientId) ?? new Uint8Array(16),
    });
    if (!appended.ok) return err(refused(appended.error));
    return ok({ eventId: appended.value.event.id, state: 'waiting' as const });
  };

  const remove = async ({ eventId }: { eventId: string }) => {
    const here = membersOnly();
    if (!here.ok) return here;
    const room = here.value.room();
    const message = here.value.findMessage(eventId);
    if (!message) return err(failure('not_found', 'message'));
    if (message.removedBy !== null) return ok({ eventId });
    if (!view.canRemove(here.value.membership(), message.device)) return err(failure('forbidden', 'not-yours'));
    // What says the same once more goes first, so that it is never seen to take the other's place.
    for (const id of [...(room.repeatsById.get(eventId) ?? []), eventId]) {
      const target = textToBytes(id) ?? new Uint8Array(32);
      const appended = await here.value.log.append('chat.remove', { target });
      if (!appended.ok) return err(refused(appended.error));
    }
    return ok({ eventId });
  };

  return {
    start: () => {
      stops.add(bus.register(chatSend, (input) => oneSend(input.clientId, () => send(input))));
      stops.add(bus.register(chatRemove, (input) => oneRemoval(input.eventId, () => remove(input))));
      stops.add(
        bus.register(chatHistory, async function* ({ limit }, { signal }) {
          return ok(yield* watch(() => view.history(limit), onCalmChange, signal));
        }),
      );
    },
    stop: stops.run,
  };
};

const placeOf = ({ event }: { event: { author: string; header: { lane: number; seq: number } } }) => ({
  device: event.author,
  lane: event.header.lane,
  seq: event.header.seq,
});

const refused = (reason: StoreRefusal | string): Failure =>
  failure(reason === 'quota-full' ? 'quota_full' : 'unavailable', reason);

/** How often the screen is told of the flood while much is being fetched, in milliseconds. */
const calmMs = 300;

/** Tells of changes at once, and while much comes in only now and then: each time the whole view is made anew. */
const calmly =
  (onChange: ChatDeps['onChange'], isBusy: () => boolean, clock: Clock): ChatDeps['onChange'] =>
  (listener) => {
    let cancel: (() => void) | null = null;
    let toldAt = -Infinity;
    const tell = (): void => {
      cancel = null;
      toldAt = clock.now();
      listener();
    };
    const stop = onChange(() => {
      // The distance, not the difference: a clock that was put back must not hold the screen up.
      const sinceMs = Math.abs(clock.now() - toldAt);
      if (!isBusy() || sinceMs >= calmMs) return tell();
      cancel ??= clock.after(calmMs - sinceMs, tell);
    });
    return () => {
      stop();
      cancel?.();
    };
  };

/** The same call while the first one runs is the first one: two taps at once write one event. */
const createOnce = <T>() => {
  const running = new Map<string, Promise<Result<T, Failure>>>();
  return (key: string, work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> => {
    const first = running.get(key);
    if (first) return first;
    const own = work().finally(() => running.delete(key));
    running.set(key, own);
    return own;
  };
};
