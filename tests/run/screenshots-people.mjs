import { emojiOn, giveName, goTo, knock, letIn, openPerson, showInvite } from '../support/walks.ts';

/**
 * @typedef {import('../support/street.ts').Resident} Resident
 * @typedef {import('../support/street.ts').Street} Street
 * @typedef {(resident: Pick<Resident, 'page'>, name: string) => Promise<void>} Take
 */

/** What belongs to a person beside the name: devices, card, data, the log, and the two ways out. @param {Take} take @param {Resident} anna */
export const takeOwn = async (take, anna) => {
  const { page } = anna;
  /** @param {string | RegExp} row */
  const open = async (row) => {
    await goTo(anna, 'settings');
    await page.getByRole('link', { name: row }).click();
  };
  await open(/My devices/);
  await page.getByTestId('own-device').first().waitFor();
  await take(anna, '50-devices-en');
  await page.getByRole('button', { name: 'Add a device' }).click();
  await page.getByTestId('device-link').waitFor();
  await take(anna, '51-devices-add-en');
  await page.keyboard.press('Escape');
  await open(/Recovery card/);
  await take(anna, '52-card-en');
  await page.getByRole('button', { name: 'Show the words' }).click();
  await page.getByTestId('card-words').waitFor();
  await take(anna, '53-card-words-en');
  await page.getByRole('button', { name: 'I have written it down' }).click();
  await take(anna, '54-card-test-en');
  await open(/Take my data with me/);
  await page.getByRole('radio', { name: /locked by a passphrase/ }).check();
  await page.locator('#export input[type=password]').fill('chestnut lantern fifty bridges');
  await page.getByRole('button', { name: 'Save the file' }).click();
  await page.getByText(/is in your downloads/).waitFor();
  await take(anna, '55-data-en');
  await open(/The log/);
  await page.locator('ol > li').first().waitFor();
  await take(anna, '58-log-en');
  await goTo(anna, 'settings');
  await page.getByRole('button', { name: /Leave the neighbourhood/ }).click();
  await take(anna, '56-leave-en');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /Erase everything/ }).click();
  await take(anna, '57-erase-en');
  await page.keyboard.press('Escape');
};

/** Roles, a proposal in the eyes of each, and its end. @param {Street} street @param {Take} take @param {Resident} anna @param {Resident} bora */
export const takePeople = async (street, take, anna, bora) => {
  const link = await showInvite(street, anna);
  const esra = await street.move('Esra', { locale: 'de-DE' });
  await knock(link, esra, 'de');
  await letIn(anna);
  await esra.page.getByRole('heading', { name: 'Du bist drin' }).waitFor({ timeout: 30_000 });
  await goTo(esra, 'mesh');
  const sheet = anna.page.getByRole('dialog');
  await openPerson(anna, 'Bora');
  await take(anna, '60-person-en');
  await sheet.getByRole('button', { name: 'Trust Bora' }).click();
  await take(anna, '61-person-trust-en');
  await sheet.getByRole('button', { name: 'Trust Bora' }).click();
  await sheet.getByText('Trusted neighbour').waitFor();
  await anna.page.keyboard.press('Escape');
  await openPerson(anna, 'Esra');
  await sheet.getByRole('button', { name: 'Remove from the neighbourhood' }).click();
  await sheet.getByLabel('Reason (if you like)').fill('Moved away in spring');
  await take(anna, '62-person-remove-en');
  await sheet.getByRole('button', { name: 'Ask the others' }).click();
  await anna.page.keyboard.press('Escape');
  await anna.page.getByText('The others are asked now.').waitFor({ state: 'hidden' });
  await take(anna, '63-proposal-own-en');
  await esra.page.getByTestId('proposal').waitFor({ timeout: 30_000 });
  await take(esra, '64-proposal-about-me-de');
  await goTo(bora, 'mesh');
  await bora.page.getByRole('button', { name: 'Zustimmen' }).click();
  await take(bora, '65-proposal-agree-de');
  await bora.page.getByRole('dialog').getByRole('button', { name: 'Zustimmen' }).click();
  await esra.page.getByTestId('end').waitFor({ timeout: 30_000 });
  await take(esra, '66-removed-de');
  await goTo(esra, 'chat');
  await esra.page.getByTestId('end').waitFor();
  await take(esra, '68-chat-removed-de');
  await bora.page.getByTestId('former').locator('summary').click();
  await take(bora, '67-former-de');
  await street.moveOut(esra);
};

/** A second device at the door of the first, and the ways back on a blank one. @param {Street} street @param {Take} take @param {Resident} anna */
export const takeLinking = async (street, take, anna) => {
  const tablet = await street.move('Tablet', { locale: 'de-DE' });
  const { page } = tablet;
  await page.goto(street.url());
  await page.getByRole('button', { name: /Ich habe eine Rettungskarte/ }).click();
  await take(tablet, '70-welcome-card-de');
  await page.getByRole('button', { name: 'Zurück', exact: true }).click();
  await giveName({ page, name: 'Anna' }, 'de');
  await page.getByRole('button', { name: /Das ist mein zweites Gerät/ }).click();
  await take(tablet, '71-welcome-device-de');
  await goTo(anna, 'settings');
  await anna.page.getByRole('link', { name: /My devices/ }).click();
  await anna.page.getByRole('button', { name: 'Add a device' }).click();
  await page.getByLabel('Link oder Code').fill(await anna.page.getByTestId('device-link').inputValue());
  await page.getByRole('button', { name: 'Dieses Gerät verbinden' }).click();
  await emojiOn(page);
  await take(tablet, '72-welcome-linking-de');
  const sheet = anna.page.getByRole('dialog');
  await sheet.getByTestId('linking').waitFor({ timeout: 30_000 });
  await take(anna, '73-devices-linking-en');
  await sheet.getByRole('button', { name: 'They are the same' }).click();
  await page.getByRole('heading', { name: 'Du bist drin' }).waitFor({ timeout: 60_000 });
  await take(tablet, '74-welcome-linked-de');
  await anna.page.getByTestId('own-device').nth(1).getByRole('button', { name: 'Give up this device' }).click();
  await take(anna, '75-devices-give-up-en');
  await anna.page.keyboard.press('Escape');
  await street.moveOut(tablet);
};
