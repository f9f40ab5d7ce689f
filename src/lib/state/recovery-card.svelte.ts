import { devicesCard, devicesTestCard } from '../contracts/devices.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { createActs } from './acts.svelte.ts';

export const cardWordsCount = 12;
const askedWords = 2;

/** start: nothing is on screen; shown: the words stand there; test: some of them are asked for; passed: they were right. */
export type CardStep = 'start' | 'shown' | 'test' | 'passed';
type Card = { readonly words: readonly string[]; readonly qr: string };

/** Two different places of the card, in the order of the card. `random` yields numbers from 0 to below 1. */
export const choosePositions = (random: () => number): readonly number[] => {
  const left = Array.from({ length: cardWordsCount }, (_, position) => position);
  const chosen = Array.from({ length: askedWords }, () => left.splice(Math.floor(random() * left.length), 1));
  return chosen.flat().toSorted((a, b) => a - b);
};

/** The words of a text that somebody pasted or scanned: small letters, numbers and signs between them left out. */
export const readCardWords = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '');

/** Which word (from 0) a refusal of the card names; null when it names none. */
export const wrongWordOf = (reason: string): number | null => {
  const place = Number(/^card-word-(\d{1,2})$/.exec(reason)?.[1] ?? 0);
  return place >= 1 && place <= cardWordsCount ? place - 1 : null;
};

const pageRandom = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;

/** The walk over the recovery card: show it, hide it, prove that it was written down. The words are held only while they are shown. */
export const createCardState = ({ bus, random = pageRandom }: { bus: BusClient; random?: () => number }) => {
  const acts = createActs<'show' | 'test'>();
  let step = $state<CardStep>('start');
  let card = $state.raw<Card | null>(null);
  let positions = $state.raw<readonly number[]>([]);
  let isWrong = $state(false);
  let wasHidden = $state(false);

  /** The words leave the screen and the memory of this page. */
  const hide = (): void => {
    if (step === 'shown') step = 'start';
    card = null;
  };

  return {
    get step() {
      return step;
    },
    /** null unless the step is `shown`. */
    get card() {
      return card;
    },
    /** Which words are asked for, from 0. */
    get positions() {
      return positions;
    },
    get isWrong() {
      return isWrong;
    },
    /** The words went away because the page did. */
    get wasHidden() {
      return wasHidden;
    },
    get busy() {
      return acts.busy;
    },
    failureOf: acts.failureOf,
    show: async (): Promise<void> => {
      wasHidden = false;
      const answer = await acts.run('show', () => bus.call(devicesCard, {}));
      if (!answer) return;
      card = answer;
      step = 'shown';
    },
    hide,
    /** Called when somebody turns to another window: whoever comes back must ask for the words again. */
    leave: (): void => {
      wasHidden = step === 'shown';
      hide();
    },
    startTest: (): void => {
      card = null;
      wasHidden = false;
      isWrong = false;
      positions = choosePositions(random);
      step = 'test';
    },
    /** `typed`: one word for each of `positions`. */
    test: async (typed: readonly string[]): Promise<void> => {
      const words = positions.map((position, i) => ({ position, word: (typed[i] ?? '').trim().toLowerCase() }));
      const answer = await acts.run('test', () => bus.call(devicesTestCard, { words }));
      if (!answer) return;
      isWrong = !answer.isRight;
      if (answer.isRight) step = 'passed';
    },
    cancel: (): void => {
      isWrong = false;
      step = 'start';
    },
  };
};
export type CardState = ReturnType<typeof createCardState>;
