import type { Page } from '@playwright/test';
import type { Resident, Street } from '../support/street.ts';
import { goTo } from '../support/walks.ts';
import type { LongTasks } from './app-control.ts';
import { median, quantile, rounded, waitUntil } from './samples.ts';

/** What the starter library has guides for; the first one is asked cold, the others warm. */
const questions = [
  'What do I do if the water is cut off?',
  'How do I stop heavy bleeding?',
  'How much drinking water does a person need?',
  'How do I cool a burn?',
  'What do I do in a power cut?',
  'How do I keep warm without heating?',
  'What are the signs of heat stroke?',
  'How deep do I press in CPR?',
  'How do I disinfect water with bleach?',
  'What food should I store?',
  'How long does food stay safe in the fridge without power?',
  'What do I do when there is smoke in the stairway?',
  'What do I do before a flood?',
  'May I walk through moving water?',
  'What do I do when a chemical was released?',
  'How do I seal a room?',
  'How do I recognise hypothermia?',
  'How do I treat frostbite?',
  'How long do I boil water?',
  'How do I invite a neighbour to this app?',
  'What belongs into an emergency kit?',
];

/**
 * `askMs`: from the Enter key to the frame in which the answer with the line that says who gave it is on the screen. The
 * first question follows right on a reload (`askColdMs`); the other 20 find a warm node.
 */
export const measureAsk = async (street: Street, anna: Resident, { since, mark }: LongTasks) => {
  const { page } = anna;
  await goTo(anna, 'library');
  await waitUntil(async () => (await page.getByRole('progressbar').count()) === 0, 60_000, 100);
  await page.goto(`${street.url()}/ask/`);
  const from = await mark();
  const [cold = Number.NaN, ...warm] = await askAll(page);
  const { max, count } = await since(from);
  return {
    askMs: rounded(median(warm)),
    askP95Ms: rounded(quantile(warm, 0.95)),
    askColdMs: rounded(cold),
    questionsAsked: warm.length,
    questionsQuoted: await page.getByTestId('served-by').count(),
    askLongTaskMaxMs: rounded(max),
    askLongTasks: count,
  };
};

const askAll = async (page: Page): Promise<number[]> => {
  const times: number[] = [];
  for (const question of questions) {
    await page.getByLabel('Your question').fill(question);
    await page.evaluate(listenForAnswer);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => globalThis.benchAskMs !== null, null, { timeout: 30_000 });
    times.push(await page.evaluate(() => globalThis.benchAskMs ?? Number.NaN));
  }
  return times;
};

declare global {
  var benchAskMs: number | null;
}

/** In the page: from the next Enter to the frame that shows one more question with its answer. */
const listenForAnswer = (): void => {
  globalThis.benchAskMs = null;
  const settled = (): number => document.querySelectorAll('[data-testid=served-by], [data-testid=nothing]').length;
  const before = settled();
  const keyed = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter') return;
    removeEventListener('keydown', keyed, true);
    const start = event.timeStamp;
    const look = (): void => {
      if (settled() === before) return void requestAnimationFrame(look);
      requestAnimationFrame(() => void (globalThis.benchAskMs = performance.now() - start));
    };
    requestAnimationFrame(look);
  };
  addEventListener('keydown', keyed, true);
};
