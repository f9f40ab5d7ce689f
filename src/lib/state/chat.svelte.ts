import { untrack } from 'svelte';
import { chatHistory, chatSend, type Message } from '../contracts/chat.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { bytesToText, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err } from '../kernel/result.ts';
import { createRemovals } from './chat-removal.svelte.ts';
import { createKeptText, pageStore, type TextStore } from './kept-text.svelte.ts';
import { createLive, type Live } from './live.svelte.ts';
import { pageClock } from './page-clock.ts';
import { perBus } from './per-bus.ts';

export type { Message };

/** Words that the node has not yet said it keeps. `failure` is null while the call runs. */
export type Unsent = {
  readonly clientId: string;
  readonly text: string;
  readonly at: number;
  readonly failure: Failure | null;
};

const pageMessages = 200;
const historyMax = 5_000;
const unsentMax = 50;
/** Fewer come in before one has read the line that says so. */
const fetchingMin = 20;

/** The page's own randomness, for message ids. */
const pageRandom: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) };

/** Texts on their way to the node; each stays, also over a reload, until the node has said that it keeps it. */
const createOutbox = (bus: BusClient, store: TextStore) => {
  const key = 'hearthnet.chat.unsent';
  let unsent = $state.raw<readonly Unsent[]>(readUnsent(store.read(key)));

  const keep = (next: readonly Unsent[]): void => {
    unsent = next.slice(-unsentMax);
    const plain = unsent.map(({ clientId, text, at }) => ({ clientId, text, at }));
    store.write(key, plain.length === 0 ? '' : JSON.stringify(plain));
  };

  const discard = (clientId: string): void => keep(unsent.filter((item) => item.clientId !== clientId));

  const deliver = async (item: Unsent): Promise<void> => {
    const { clientId, text } = item;
    keep([...unsent.filter((other) => other.clientId !== clientId), { ...item, failure: null }]);
    const broke = (cause: unknown) => err(failure('internal', cause instanceof Error ? cause.message : 'call-broke'));
    const reply = await bus.call(chatSend, { to: 'everyone' as const, text, clientId }).catch(broke);
    if (reply.ok) discard(clientId);
    else keep(unsent.map((other) => (other.clientId === clientId ? { ...other, failure: reply.error } : other)));
  };

  return {
    get unsent() {
      return unsent;
    },
    deliver,
    discard,
  };
};

/** What is being written, and the id its message will have: made with the first letter, kept with the words. */
const createDraft = (store: TextStore, random: Random) => {
  const text = createKeptText('hearthnet.chat.draft', store);
  const id = createKeptText('hearthnet.chat.draftId', store);
  const clientId = (): string => {
    if (id.value === '') id.value = bytesToText(random.bytes(16));
    return id.value;
  };
  return {
    get text() {
      return text.value;
    },
    clientId,
    write: (next: string): void => {
      text.value = next;
      if (next === '') id.value = '';
      else clientId();
    },
  };
};

type View = {
  messages: Message[];
  total: number;
  fetching: { held: number; known: number } | null;
};
type ChatDeps = { bus: BusClient; store?: TextStore; random?: Random; clock?: Clock };

/**
 * The room of everyone here. Words are never lost: the draft is kept at every keystroke, and a text whose send was
 * refused stays, also over a reload. A message gets its id when its draft starts, so sending it twice is one message.
 */
export const createChatState = ({ bus, store = pageStore, random = pageRandom, clock = pageClock }: ChatDeps) => {
  const draft = createDraft(store, random);
  const outbox = createOutbox(bus, store);
  const removals = createRemovals(bus, clock, store);
  let limit = $state(pageMessages);
  let live = $state.raw<Live<View> | null>(null);
  let shown = $state.raw<View | null>(null);
  let followers = 0;

  /** False when there is no word or too many: the draft then stays as it is. */
  const send = (): boolean => {
    const text = draft.text.trim();
    if (text === '' || bytesOver(text) > 0) return false;
    // Kept as unsent before the draft is emptied: at no moment are the words nowhere.
    void outbox.deliver({ clientId: draft.clientId(), text, at: clock.now(), failure: null });
    draft.write('');
    return true;
  };

  const reopen = (): void => {
    live?.stop();
    live = createLive(bus, chatHistory, { thread: 'everyone' as const, limit });
  };

  return {
    /** Oldest first; null until the room is open. What the node already shows is not shown a second time as unsent. */
    get messages() {
      return live?.value?.messages ?? shown?.messages ?? null;
    },
    get hasOlder() {
      const view = live?.value ?? shown;
      return view !== null && view.total > view.messages.length && limit < historyMax;
    },
    get failure() {
      return live?.failure ?? null;
    },
    /** How far this device is with what its neighbours hold; null while nothing worth a word is being fetched. */
    get fetching() {
      const fetching = live?.value?.fetching ?? null;
      return fetching && fetching.known - fetching.held >= fetchingMin ? fetching : null;
    },
    /** True from asking for older messages until they stand. */
    get isLoadingOlder() {
      return live !== null && live.value === null && shown !== null;
    },
    removals,
    get unsent() {
      const known = new Set((live?.value ?? shown)?.messages.map((message) => message.clientId));
      return outbox.unsent.filter((item) => !known.has(item.clientId));
    },
    get draft() {
      return draft.text;
    },
    get bytesOver() {
      return bytesOver(draft.text);
    },
    write: draft.write,
    send,
    retry: (item: Unsent) => void outbox.deliver(item),
    discard: outbox.discard,
    /** Shows more of the past. What stands stays on screen until the longer list is there. */
    loadOlder: () => {
      if (live !== null && live.value === null) return;
      shown = live?.value ?? shown;
      limit = Math.min(historyMax, limit + pageMessages);
      if (live) reopen();
    },
    /** Follows the room while a screen shows it; returns the closer. Called from an effect that must not depend on what it opens. */
    follow: () => {
      followers += 1;
      if (followers === 1) untrack(reopen);
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        followers -= 1;
        if (followers > 0) return;
        untrack(() => {
          shown = live?.value ?? shown;
          live?.stop();
        });
        live = null;
      };
    },
  };
};
export type ChatState = ReturnType<typeof createChatState>;

export const chatStateOf = perBus((bus) => {
  const chat = createChatState({ bus });
  addEventListener('pagehide', chat.removals.flush);
  return chat;
});

/** How many bytes of UTF-8 a text is above what one message may carry; 0 when it fits. */
const bytesOver = (text: string): number => Math.max(0, utf8(text.trim()).length - limits.messageTextBytesMax);

/** Total: what an earlier visit kept, or nothing. A kept text comes back as refused, so that the person decides. */
const readUnsent = (kept: string | null): Unsent[] => {
  if (kept === null) return [];
  try {
    const value: unknown = JSON.parse(kept);
    return Array.isArray(value) ? value.flatMap(readItem).slice(-unsentMax) : [];
  } catch {
    return [];
  }
};

const readItem = (value: unknown): Unsent[] => {
  if (typeof value !== 'object' || value === null) return [];
  if (!('clientId' in value) || !('text' in value) || !('at' in value)) return [];
  const { clientId, text, at } = value;
  if (typeof clientId !== 'string' || typeof text !== 'string' || typeof at !== 'number') return [];
  return [{ clientId, text, at, failure: failure('unknown_outcome', 'page-was-closed') }];
};
