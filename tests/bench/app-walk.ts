import type { Resident, Street } from '../support/street.ts';
import { ask, goTo, say } from '../support/walks.ts';
import type { Control, LongTasks } from './app-control.ts';
import { rounded } from './samples.ts';

/** Long tasks while somebody goes through every place, asks and writes, twice; and those of the empty page in the same time. */
export const takeWalk = async (street: Street, anna: Resident, tasks: LongTasks, control: Control) => {
  const { page } = anna;
  await page.goto(`${street.url()}/ask/`);
  await page.getByLabel('Your question').waitFor();
  await page.waitForTimeout(2_000);
  const [from, controlFrom] = [await tasks.mark(), await control.tasks.mark()];
  const worstByStep: Record<string, number> = {};
  for (const round of [1, 2]) {
    for (const [step, take] of Object.entries(stepsOf(anna, round))) {
      const begun = await tasks.mark();
      await take();
      // What a step set off may still be at work when its first sign is on the screen.
      await page.waitForTimeout(300);
      worstByStep[step] = Math.max(worstByStep[step] ?? 0, rounded((await tasks.since(begun)).max));
    }
  }
  const [own, empty] = [await tasks.since(from), await control.tasks.since(controlFrom)];
  return {
    figures: { longTaskMaxMs: rounded(own.max), longTasks: own.count, longTaskByStepMs: worstByStep },
    emptyPage: { longTaskMaxMs: rounded(empty.max), longTasks: empty.count },
  };
};

const stepsOf = (anna: Resident, round: number): Record<string, () => Promise<void>> => {
  const { page } = anna;
  return {
    ask: async () => {
      await ask(anna, 'What do I do if the water is cut off?');
      await page.getByTestId('served-by').last().waitFor();
    },
    chat: async () => {
      await goTo(anna, 'chat');
      await page.getByLabel('Message to everyone').waitFor();
    },
    say: async () => {
      await say(anna, `Hello, round ${round}`);
      await page.getByText(`Hello, round ${round}`).last().waitFor();
    },
    library: async () => {
      await goTo(anna, 'library');
      await page.getByRole('link', { name: /Water/ }).first().waitFor();
    },
    mesh: () => goTo(anna, 'mesh'),
    code: async () => {
      await page
        .getByRole('button', { name: /Show my code/ })
        .first()
        .click();
      await page.getByTestId('invite-link').waitFor();
      await page.keyboard.press('Escape');
    },
    settings: () => goTo(anna, 'settings'),
    emergency: async () => {
      await page.getByTestId('emergency-button').click();
      await page.waitForURL('**/emergency/');
    },
    backToAsk: () => goTo(anna, 'ask'),
  };
};
