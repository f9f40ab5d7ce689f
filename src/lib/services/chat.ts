import { chatHistory, chatSend, type Message } from '../contracts/chat.ts';
import type { Bus } from '../kernel/bus.ts';
import { failure } from '../kernel/errors.ts';
import { textToBytes, utf8 } from '../kernel/ids.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { err, ok } from '../kernel/result.ts';
import { watch } from '../kernel/watch.ts';
import type { Membership } from '../log/membership.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { RoomMessage } from '../log/room.ts';

export type ChatDeps = {
  readonly bus: Bus;
  readonly current: () => Neighbourhood | null;
  readonly onChange: (listener: () => void) => () => void;
  readonly selfDevice: () => string;
};

/** The room "Everyone here": what every member can read. Ticks are counted from signed receipts and nothing else. */
export const createChat = ({ bus, current, onChange, selfDevice }: ChatDeps): Startable => {
  const stops = createStops();

  const send = async ({ text, clientId }: { text: string; clientId: string }) => {
    const here = current();
    if (!here || here.membership().roleOf(selfDevice()) === null) return err(failure('forbidden', 'not-a-member'));
    if (utf8(text).length > limits.messageTextBytesMax) return err(failure('too_large', 'message'));
    const repeated = here
      .room()
      .messages.find((message) => message.device === selfDevice() && message.clientId === clientId);
    if (repeated) return ok({ eventId: repeated.eventId, state: stateOf(here, repeated).state });
    const appended = await here.log.append('chat.message', {
      to: 'everyone',
      text,
      clientId: textToBytes(clientId) ?? new Uint8Array(16),
    });
    if (!appended.ok)
      return err(failure(appended.error === 'quota-full' ? 'quota_full' : 'unavailable', appended.error));
    return ok({ eventId: appended.value.event.id, state: 'waiting' as const });
  };

  const history = (limit: number): { messages: Message[]; total: number } => {
    const here = current();
    if (!here) return { messages: [], total: 0 };
    const membership = here.membership();
    const { messages } = here.room();
    return {
      messages: messages.slice(-Math.max(1, limit)).map((message) => show(here, membership, message)),
      total: messages.length,
    };
  };

  const show = (here: Neighbourhood, membership: Membership, message: RoomMessage): Message => {
    const person = membership.personOf(message.device) ?? message.device;
    return {
      eventId: message.eventId,
      device: message.device,
      person,
      name: membership.members.get(person)?.name ?? '',
      text: message.text,
      at: message.atMs,
      isOwn: message.device === selfDevice(),
      clientId: message.clientId,
      ...stateOf(here, message),
    };
  };

  /** "With N of M neighbours": other persons one of whose devices has signed that it holds the message. */
  const stateOf = (
    here: Neighbourhood,
    { device, lane, seq }: RoomMessage,
  ): Pick<Message, 'state' | 'heldBy' | 'heldOf'> => {
    const membership = here.membership();
    const author = membership.personOf(device);
    const holders = new Set(here.receipts.holders(device, lane, seq).map((holder) => membership.personOf(holder)));
    holders.delete(author);
    holders.delete(null);
    return {
      state: holders.size > 0 ? 'handedOn' : 'waiting',
      heldBy: holders.size,
      heldOf: Math.max(0, membership.members.size - 1),
    };
  };

  return {
    start: () => {
      stops.add(bus.register(chatSend, send));
      stops.add(
        bus.register(chatHistory, async function* ({ limit }, { signal }) {
          return ok(yield* watch(() => history(limit), onChange, signal));
        }),
      );
    },
    stop: stops.run,
  };
};
