import { expect, type Page } from '@playwright/test';
import type { Resident, Street } from './street.ts';

/** The words of the two languages that the walks press, so that one walk can be taken in English and in German. */
const words = {
  en: {
    name: 'Your name',
    go: 'Continue',
    start: 'Start',
    join: 'Join',
    code: /Show my code/,
    letIn: /Let in/,
    message: /Message to everyone/,
    question: /Your question/,
  },
  de: {
    name: 'Dein Name',
    go: 'Weiter',
    start: 'Gründen',
    join: 'Beitreten',
    code: /Meinen Code zeigen/,
    letIn: /Hereinlassen/,
    message: /Nachricht an alle/,
    question: /Deine Frage/,
  },
} as const;
export type Language = keyof typeof words;

/** Goes to a place by its name in the navigation, as a person does: the page stays, and so do its links to neighbours. */
export const goTo = async (
  { page }: Resident,
  place: 'ask' | 'chat' | 'library' | 'mesh' | 'settings',
): Promise<void> => {
  // The welcome pages have no navigation; their way on is the library or its question page.
  if (page.url().includes('/welcome'))
    await page.locator('main').locator('a[href="/ask/"], a[href="/library/"]').first().click();
  await page.locator(`nav a[href="/${place}/"]:visible`).first().click();
  await page.waitForURL(`**/${place}/`);
};

/** The first question of the welcome. */
export const giveName = async (
  { page, name }: Pick<Resident, 'page' | 'name'>,
  language: Language = 'en',
): Promise<void> => {
  await page.getByLabel(words[language].name).fill(name);
  await page.getByRole('button', { name: words[language].go }).click();
};

/** From a blank page to being in a new neighbourhood: a name and two taps. */
export const foundNeighbourhood = async (
  street: Pick<Street, 'url'>,
  { page, name }: Resident,
  language: Language = 'en',
): Promise<void> => {
  await page.goto(street.url());
  await giveName({ page, name }, language);
  await page.getByRole('button', { name: words[language].start, exact: true }).click();
  await expect(page.getByRole('heading', { name: language === 'en' ? 'You are in' : 'Du bist drin' })).toBeVisible();
};

/** The link under the code that the inviter shows. */
export const showInvite = async (
  street: Pick<Street, 'url'>,
  { page }: Resident,
  language: Language = 'en',
): Promise<string> => {
  await page.goto(`${street.url()}/mesh/`);
  await page.getByRole('button', { name: words[language].code }).first().click();
  const link = await page.getByTestId('invite-link').inputValue();
  await expect(page.getByRole('img', { name: /code/i }).first()).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  return link;
};

/** Opens the invite, gives a name, knocks; resolves with the six emoji on the newcomer's screen. */
export const knock = async (link: string, { page, name }: Resident, language: Language): Promise<string[]> => {
  await page.goto(link);
  await giveName({ page, name }, language);
  await page.getByRole('button', { name: words[language].join, exact: true }).click();
  return emojiOn(page);
};

/** The inviter compares and lets the newcomer in; resolves with the six emoji on the inviter's screen. */
export const letIn = async ({ page }: Resident, language: Language = 'en'): Promise<string[]> => {
  const emoji = await emojiOn(page);
  await page.getByRole('button', { name: words[language].letIn }).first().click();
  return emoji;
};

/** Waits until the browser holds the whole app for itself: only then does it open without the server. */
export const untilKept = async ({ page }: Resident): Promise<void> => {
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
};

/** Opens the sheet of a person from the Mesh screen, where this resident is. */
export const openPerson = async ({ page }: Resident, name: string): Promise<void> => {
  await page.getByTestId('person').getByRole('button', { name, exact: true }).click();
  await expect(page.getByRole('dialog', { name })).toBeVisible();
};

/** The six emoji that stand on this screen, once they do. */
export const emojiOn = async (page: Page): Promise<string[]> => {
  const row = page.getByTestId(/emoji$/).first();
  await expect(row).toBeVisible({ timeout: 30_000 });
  return row.locator('span').allTextContents();
};

export const say = async (resident: Resident, text: string, language: Language = 'en'): Promise<void> => {
  const { page } = resident;
  if (!page.url().includes('/chat')) await goTo(resident, 'chat');
  await page.getByLabel(words[language].message).fill(text);
  await page.keyboard.press('Enter');
};

export const ask = async (resident: Resident, question: string, language: Language = 'en'): Promise<void> => {
  const { page } = resident;
  if (!page.url().includes('/ask')) await goTo(resident, 'ask');
  await page.getByLabel(words[language].question).fill(question);
  await page.keyboard.press('Enter');
};

/** Opens the sheet behind the status pill, waits until it says this, and closes it. */
export const readPillSheet = async ({ page }: Resident, words: RegExp): Promise<void> => {
  await page.getByTestId('status-pill').click();
  await expect(page.getByRole('dialog').getByText(words)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
};
