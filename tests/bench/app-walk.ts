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
  for (const round of [1, 2]) {
    await ask(anna, 'What do I do if the water is cut off?');
    await page.getByTestId('served-by').last().waitFor();
    await say(anna, `Hello, round ${round}`);
    await page.getByText(`Hello, round ${round}`).last().waitFor();
    await goTo(anna, 'library');
    await page.getByRole('link', { name: /Water/ }).first().waitFor();
    await goTo(anna, 'mesh');
    await page.getByRole('button', { name: /Show my code/ }).first().click();
    await page.getByTestId('invite-link').waitFor();
    await page.keyboard.press('Escape');
    await goTo(anna, 'settings');
    await page.getByTestId('emergency-button').click();
    await page.waitForURL('**/emergency/');
    await goTo(anna, 'ask');
  }
  const [own, empty] = [await tasks.since(from), await control.tasks.since(controlFrom)];
  return {
    figures: { longTaskMaxMs: rounded(own.max), longTasks: own.count },
    emptyPage: { longTaskMaxMs: rounded(empty.max), longTasks: empty.count },
  };
};
