import { goTo } from '../support/walks.ts';

/**
 * @typedef {import('../support/street.ts').Resident} Resident
 * @typedef {(resident: Pick<Resident, 'page'>, name: string) => Promise<void>} Take
 */

/** What a device gives and what its bus has done, while nobody else is there. @param {Take} take @param {Resident} anna */
export const takeBusAlone = async (take, anna) => {
  const { page } = anna;
  await goTo(anna, 'settings');
  await page.getByRole('link', { name: /What my device gives/ }).click();
  await page.getByTestId('gives-now').waitFor();
  await take(anna, '80-gives-alone-en');
  await goTo(anna, 'settings');
  await page.getByRole('link', { name: /Who answered what/ }).click();
  await page.getByTestId('call').first().waitFor();
  await page.getByRole('button', { name: 'With neighbours' }).click();
  await page.getByText('No neighbour was asked yet', { exact: false }).waitFor();
  await take(anna, '81-calls-none-en');
};

/** Who answers what, the sheet of a device, and the calls between two. @param {Take} take @param {Resident} anna @param {Resident} bora */
export const takeBusTogether = async (take, anna, bora) => {
  await goTo(anna, 'mesh');
  const list = anna.page.getByTestId('answers-list');
  await list.getByText('answered last', { exact: false }).first().waitFor();
  await list.scrollIntoViewIfNeeded();
  await take(anna, '82-answers-en');
  await list.getByRole('button', { name: 'Bora' }).click();
  await take(anna, '83-answers-sheet-en');
  await anna.page.keyboard.press('Escape');
  await anna.page.getByRole('link', { name: 'See all calls' }).click();
  await anna.page.getByRole('button', { name: 'With neighbours' }).click();
  await anna.page.getByTestId('call').first().locator('summary').first().click();
  await anna.page.getByTestId('why').waitFor();
  await take(anna, '84-calls-why-en');
  await goTo(bora, 'mesh');
  await bora.page.getByTestId('answers-list').scrollIntoViewIfNeeded();
  await take(bora, '85-answers-de');
  await bora.page.getByRole('link', { name: 'Alle Anfragen ansehen' }).click();
  await bora.page.getByTestId('call').first().waitFor();
  await take(bora, '86-calls-de');
  await bora.page.getByRole('button', { name: 'Abgelehnt' }).click();
  await take(bora, '87-calls-refused-de');
  await goTo(bora, 'mesh');
  await bora.page.getByRole('link', { name: 'Was mein Gerät gibt' }).click();
  await bora.page.getByTestId('gives-now').waitFor();
  await bora.page.getByRole('radio', { name: /^Jetzt/ }).check();
  await bora.page.getByText('Der Energiesparer ist an', { exact: false }).waitFor();
  await take(bora, '88-gives-resting-de');
  await bora.page.getByRole('radio', { name: /^Wenn der Akku/ }).check();
};
