import { untrack } from 'svelte';
import {
  documentsCreate,
  documentsEdit,
  documentsList,
  documentsOpen,
  type DocumentShown,
} from '../contracts/documents.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CharId } from '../kernel/ports/documents.ts';
import { err } from '../kernel/result.ts';
import { pageStore, type TextStore } from './kept-text.svelte.ts';
import { createLive } from './live.svelte.ts';
import { pageClock } from './page-clock.ts';
import { createPlanText, type TypeRefusal } from './plan-text.ts';
import { keepWords, keptWords } from './plan-unsaid.ts';

export type { DocumentChangeShown, DocumentShown, ListedDocument } from '../contracts/documents.ts';

/** The plans of this neighbourhood, and making another. */
export const createPlanList = (bus: BusClient) => {
  const live = createLive(bus, documentsList, {});
  let isBusy = $state(false);
  let refused = $state.raw<Failure | null>(null);
  return {
    get documents() {
      return live.value?.documents ?? null;
    },
    get failure() {
      return live.failure;
    },
    get isBusy() {
      return isBusy;
    },
    get refused() {
      return refused;
    },
    /** The id of the new plan; null when it was refused. */
    create: async (title: string, text: string): Promise<string | null> => {
      isBusy = true;
      const reply = await bus.call(documentsCreate, { title, text }).catch(broke);
      isBusy = false;
      refused = reply.ok ? null : reply.error;
      return reply.ok ? reply.value.output.doc : null;
    },
    stop: live.stop,
  };
};

/** How long a person may pause before what they typed is said, and how long they may type on before it is said anyway. */
const pauseMs = 400;
const patienceMs = 2_000;
const retryMs = 5_000;

/**
 * One plan that is open on a screen. What is typed is shown at once, kept at every keystroke, and said in one event a pause;
 * what neighbours write comes in between without moving the caret. The text on screen is never older than what was typed.
 */
export const createOpenPlan = (deps: { bus: BusClient; doc: string; clock?: Clock; store?: TextStore }) => {
  const { bus, doc, clock = pageClock, store = pageStore } = deps;
  const live = createLive(bus, documentsOpen, { doc });
  let shown = $state.raw<DocumentShown | null>(null);
  let version = $state(0);
  let refused = $state.raw<Failure | null>(null);
  let notice = $state<TypeRefusal | null>(null);
  let isSaying = $state(false);
  let isHeld = false;
  let knownRevision = 0;
  let cancelPause: (() => void) | null = null;
  let firstUnsaidAt = 0;
  let carried: ReturnType<typeof keptWords> = null;
  let moveCaret: ((map: (offset: number) => number) => void) | null = null;

  const ownClients = $derived(new Set(shown?.writers.filter(({ isOwn }) => isOwn).map(({ client }) => client)));
  const text = createPlanText({
    mayDelete: () => shown?.mayDelete ?? false,
    isOwn: (client) => ownClients.has(client),
    charsMax: limits.documentCharsMax,
  });

  const take = (view: DocumentShown): void => {
    // While words are on their way, and while a word is being composed, what comes waits; what is older is not shown.
    if (isSaying || isHeld || view.revision < knownRevision) return;
    shown = view;
    const map = text.show(view);
    version += 1;
    moveCaret?.(map);
  };
  const takeNewest = (): void => {
    if (live.value) take(live.value);
  };

  /** Everything that is not in the log yet, also what an earlier page left and nobody has taken yet. */
  const keep = (): void => {
    const { inserts, removes } = text.unsaid();
    keepWords(store, doc, {
      inserts: [...(carried?.inserts ?? []), ...inserts],
      removes: [...(carried?.removes ?? []), ...removes],
    });
  };

  const say = async (): Promise<void> => {
    cancelPause?.();
    cancelPause = null;
    if (isSaying) return;
    const words = text.take();
    if (!words) return;
    isSaying = true;
    const reply = await bus.call(documentsEdit, { doc, ...copyOf(words), ticks: [], isRepeated: false }).catch(broke);
    isSaying = false;
    refused = reply.ok ? null : reply.error;
    if (reply.ok) {
      text.placed(reply.value.output.placed);
      knownRevision = Math.max(knownRevision, reply.value.output.revision);
      // A device that writes here for the first time is not among the writers yet; its own words are its own.
      const first = reply.value.output.placed.find((place) => place !== null);
      if (shown && first && !ownClients.has(first.client))
        shown = { ...shown, writers: [...shown.writers, { client: first.client, person: '', name: '', isOwn: true }] };
    } else text.failed();
    keep();
    version += 1;
    takeNewest();
    if (!text.isUnsaid) return;
    if (reply.ok) saySoon();
    else cancelPause = clock.after(retryMs, () => void say());
  };

  const saySoon = (): void => {
    if (!cancelPause) firstUnsaidAt = clock.now();
    cancelPause?.();
    const left = firstUnsaidAt + patienceMs - clock.now();
    cancelPause = clock.after(Math.max(0, Math.min(pauseMs, left)), () => void say());
  };

  const changed = (): void => {
    version += 1;
    keep();
    saySoon();
  };

  /** What an earlier page had typed and was closed before it heard that it is kept. */
  const sayAgain = async (): Promise<void> => {
    const words = keptWords(store, doc);
    if (!words) return;
    carried = words;
    isSaying = true;
    const reply = await bus.call(documentsEdit, { doc, ...words, ticks: [], isRepeated: true }).catch(broke);
    isSaying = false;
    refused = reply.ok ? null : reply.error;
    if (reply.ok) carried = null;
    keep();
    takeNewest();
    if (text.isUnsaid) saySoon();
  };

  let hasBegun = false;
  const stopFollowing = $effect.root(() => {
    $effect(() => {
      const view = live.value;
      if (!view) return;
      untrack(() => {
        take(view);
        if (hasBegun) return;
        hasBegun = true;
        void sayAgain();
      });
    });
  });

  return {
    /** What the node said last; null before the first word. */
    get view() {
      return shown;
    },
    get failure() {
      return live.failure;
    },
    get value() {
      return version >= 0 ? text.value : '';
    },
    get canUndo() {
      return version >= 0 && text.canUndo;
    },
    get canRedo() {
      return version >= 0 && text.canRedo;
    },
    /** saved: in the log of this device; saving: on its way there; failed: not taken, `refused` says why. */
    get saved(): 'saved' | 'saving' | 'failed' {
      if (refused) return 'failed';
      return version >= 0 && text.isUnsaid ? 'saving' : 'saved';
    },
    get refused() {
      return refused;
    },
    /** Why the last keystroke was not taken; null when it was. */
    get notice() {
      return notice;
    },
    get charsLeft() {
      return limits.documentCharsMax - (version >= 0 ? text.value.length : 0);
    },
    idAt: (offset: number) => (version >= 0 ? text.idAt(offset) : null),
    /** False when it was refused: the field is to be set back to `value`. */
    type: (next: string, caret: number): boolean => {
      notice = text.type(next, caret);
      if (notice === null) changed();
      return notice === null;
    },
    undo: () => {
      text.undo();
      changed();
    },
    redo: () => {
      text.redo();
      changed();
    },
    /** While a word is being composed nothing may be moved under it. */
    hold: (isComposing: boolean): void => {
      isHeld = isComposing;
      if (!isHeld) takeNewest();
    },
    /** Told how offsets move whenever words of others come in. */
    onMove: (move: ((map: (offset: number) => number) => void) | null): void => {
      moveCaret = move;
    },
    tick: async (line: CharId, isDone: boolean): Promise<void> => {
      const edit = { doc, inserts: [], removes: [], ticks: [{ line, isDone }], isRepeated: false };
      const reply = await bus.call(documentsEdit, edit).catch(broke);
      refused = reply.ok ? null : reply.error;
    },
    say: () => void say(),
    stop: () => {
      void say();
      stopFollowing();
      live.stop();
    },
  };
};
export type OpenPlan = ReturnType<typeof createOpenPlan>;

const broke = (cause: unknown) => err(failure('internal', cause instanceof Error ? cause.message : 'call-broke'));

const copyOf = ({ inserts, removes }: ReturnType<ReturnType<typeof createPlanText>['unsaid']>) => ({
  inserts: [...inserts],
  removes: [...removes],
});
