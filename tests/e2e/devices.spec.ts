import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { emojiOn, foundNeighbourhood, goTo, knock, letIn, say, showInvite } from '../support/walks.ts';

/** One person, several devices: a second one by code, a lost one given up, and coming back with a card on a blank one. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;
let tablet: Resident;
let found: Resident;
let words: string[] = [];
let file = '';

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  bora = await street.move('Bora');
  await foundNeighbourhood(street, anna);
  await knock(await showInvite(street, anna), bora, 'en');
  await letIn(anna);
  await expect(bora.page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 30_000 });
});
test.afterAll(async () => {
  await street.close();
  if (file) await rm(dirname(file), { recursive: true, force: true });
});

const openSettings = async (resident: Resident, row: RegExp): Promise<void> => {
  await goTo(resident, 'settings');
  await resident.page.getByRole('link', { name: row }).click();
};

test('Anna links her tablet by a code: both show the same six pictures, and it becomes her', async () => {
  await say(anna, 'Said before the tablet came');
  await openSettings(anna, /My devices/);
  await expect(anna.page.getByTestId('own-device')).toHaveCount(1);
  await anna.page.getByRole('button', { name: 'Add a device' }).click();
  const link = await anna.page.getByTestId('device-link').inputValue();
  expect(link).toMatch(/\/#device=[\w-]+$/);
  tablet = await street.move('Tablet');
  await tablet.page.goto(link);
  await expect(tablet.page.getByRole('heading', { name: 'Link this device to yours' })).toBeVisible();
  expect(new URL(tablet.page.url()).hash).toBe('');
  await tablet.page.getByRole('button', { name: 'Link this device' }).click();
  await expect(tablet.page.getByRole('heading', { name: 'Now confirm on your other device' })).toBeVisible();
  const seenOnTablet = await emojiOn(tablet.page);
  const sheet = anna.page.getByRole('dialog');
  await expect(sheet.getByRole('checkbox', { name: /may also manage my devices/ })).not.toBeChecked({
    timeout: 30_000,
  });
  expect(await sheet.getByTestId('emoji').locator('span').allTextContents()).toEqual(seenOnTablet);
  await sheet.getByRole('button', { name: 'They are the same' }).click();
  await expect(anna.page.getByText('Your new device is in.')).toBeVisible();
  await expect(tablet.page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 60_000 });
  await expect(anna.page.getByTestId('own-device')).toHaveCount(2, { timeout: 30_000 });
  await goTo(tablet, 'chat');
  await expect(tablet.page.getByText('Said before the tablet came')).toBeVisible({ timeout: 30_000 });
});

test('to Bora they are one Anna with two devices, and what the tablet says is hers', async () => {
  await say(tablet, 'From the tablet');
  await goTo(bora, 'chat');
  await expect(bora.page.getByText('From the tablet')).toBeVisible({ timeout: 30_000 });
  await goTo(bora, 'mesh');
  await expect(bora.page.getByTestId('person')).toHaveCount(2);
  await bora.page.getByTestId('person').filter({ hasText: 'Anna' }).getByRole('button').click();
  await expect(bora.page.getByRole('dialog').getByTestId('connection')).toHaveCount(2);
  await bora.page.keyboard.press('Escape');
});

test('the tablet, which may not manage devices, shows neither the card nor a way to add one', async () => {
  await openSettings(tablet, /Recovery card/);
  await expect(tablet.page.getByText(/This device does not have your card/)).toBeVisible();
  await openSettings(tablet, /My devices/);
  await expect(tablet.page.getByText(/cannot add devices or give them up/)).toBeVisible();
  await expect(tablet.page.getByRole('button', { name: /Add a device|Give up/ })).toHaveCount(0);
});

test('Anna writes her recovery card down, is asked for two of its words, and it counts as tested', async () => {
  await openSettings(anna, /Recovery card/);
  await expect(anna.page.getByRole('button', { name: 'Show the words' })).toBeVisible();
  await expect(anna.page.getByTestId('card-words')).toHaveCount(0);
  await anna.page.getByRole('button', { name: 'Show the words' }).click();
  const shown = anna.page.getByTestId('card-words').locator('.word');
  await expect(shown).toHaveCount(12);
  words = await shown.allTextContents();
  await anna.page.getByRole('button', { name: 'I have written it down' }).click();
  await expect(anna.page.getByTestId('card-words')).toHaveCount(0);
  const fields = anna.page.getByRole('textbox', { name: /^Word \d+$/ });
  for (const field of await fields.all()) await field.fill('wrong');
  await anna.page.getByRole('button', { name: 'Check' }).click();
  await expect(anna.page.getByRole('alert')).toContainText('That is not right');
  for (const label of await anna.page.locator('main label').allTextContents())
    await anna.page.getByLabel(label, { exact: true }).fill(words[Number(label.replace(/\D/g, '')) - 1] ?? '');
  await anna.page.getByRole('button', { name: 'Check' }).click();
  await expect(anna.page.getByText(/^Right\. Keep the card/)).toBeVisible();
  await goTo(anna, 'settings');
  await expect(anna.page.getByText(/Written down, and tested on/)).toBeVisible();
});

test('the tablet is lost: Anna gives it up, and it hears nothing new', async () => {
  await openSettings(anna, /My devices/);
  await anna.page.getByTestId('own-device').nth(1).getByRole('button', { name: 'Give up this device' }).click();
  await anna.page.getByRole('dialog').getByRole('button', { name: 'Give it up' }).click();
  await expect(anna.page.getByText('The device is given up.')).toBeVisible();
  await expect(anna.page.getByTestId('own-device').nth(1)).toHaveAttribute('data-state', 'revoked');
  await goTo(tablet, 'mesh');
  await expect(tablet.page.getByRole('heading', { name: 'This device was given up' })).toBeVisible({ timeout: 30_000 });
  await say(anna, 'Not for whoever has the tablet');
  await goTo(bora, 'chat');
  await expect(bora.page.getByText('Not for whoever has the tablet')).toBeVisible({ timeout: 30_000 });
  await tablet.page.reload();
  await goTo(tablet, 'chat');
  await expect(tablet.page.getByText('Not for whoever has the tablet')).toHaveCount(0);
  expect(tablet.complaints).toEqual([]);
  await street.moveOut(tablet);
});

test('Anna takes her data along: a file with keys under a passphrase lies in the downloads', async () => {
  await openSettings(anna, /Take my data with me/);
  await anna.page.getByRole('radio', { name: /locked by a passphrase/ }).check();
  await anna.page.locator('#export input[type=password]').fill('too short');
  await expect(anna.page.getByRole('button', { name: 'Save the file' })).toBeDisabled();
  await anna.page.locator('#export input[type=password]').fill('chestnut lantern fifty bridges');
  await expect(anna.page.getByText('Very good.')).toBeVisible();
  const download = anna.page.waitForEvent('download');
  await anna.page.getByRole('button', { name: 'Save the file' }).click();
  expect((await download).suggestedFilename()).toMatch(/^hearthnet-.*\.hearth$/);
  await expect(anna.page.getByText(/is in your downloads/)).toBeVisible();
  const path = join(await mkdtemp(join(tmpdir(), 'hearthnet-file-')), 'anna.hearth');
  await (await download).saveAs(path);
  file = path;
  await anna.page.locator('#import input[type=file]').setInputFiles(path);
  await anna.page.getByRole('button', { name: 'Read the file' }).click();
  await expect(anna.page.getByTestId('imported')).toContainText(/\d+ entr(y|ies) read, 0 refused\./, {
    timeout: 30_000,
  });
});

test('where the browser has passkeys that seal, one is made for her file, and asked again for the next', async () => {
  const { page } = anna;
  const devtools = await anna.context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const options = {
    protocol: 'ctap2',
    ctap2Version: 'ctap2_1',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    hasPrf: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  } as const;
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  await openSettings(anna, /Take my data with me/);
  await page.getByRole('radio', { name: /locked by a passkey/ }).check();
  for (let time = 0; time < 2; time++) {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the file' }).click();
    expect((await download).suggestedFilename()).toMatch(/\.hearth$/);
  }
  const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId });
  expect(credentials).toHaveLength(1);
  await devtools.detach();
});

test('everything is lost: on a blank device the card and an invite of Bora bring Anna back, with what was said', async () => {
  await street.moveOut(anna);
  found = await street.move('Found');
  const { page } = found;
  await page.goto(street.url());
  await page.getByRole('button', { name: /I have a recovery card/ }).click();
  await page.getByLabel('Your name').fill('Anna');
  await page.getByLabel('Word 1', { exact: true }).fill(words.with(4, 'xylophone').join(' '));
  await page.getByRole('button', { name: 'Come back' }).click();
  await expect(page.getByRole('alert')).toContainText('Word 5, “xylophone”, is on no recovery card.');
  await page.getByLabel('Word 5', { exact: true }).fill(words[4] ?? '');
  await page.getByRole('button', { name: 'Come back' }).click();
  await expect(page.getByText('Welcome back, Anna. This device is yours.')).toBeVisible({ timeout: 30_000 });
  const link = await showInvite(street, bora);
  await page.getByLabel('Invite link or code').fill(link);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(bora.page.getByText(/Anna is in already\. Letting in adds this device to them/)).toBeVisible({
    timeout: 30_000,
  });
  await letIn(bora);
  await expect(page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 30_000 });
  await goTo(found, 'chat');
  await expect(page.getByText('Said before the tablet came')).toBeVisible({ timeout: 30_000 });
  await goTo(bora, 'mesh');
  await expect(bora.page.getByTestId('person')).toHaveCount(2);
  expect(found.complaints).toEqual([]);
});

test('Anna erases everything on it: the next start is that of a blank device', async () => {
  const { page } = found;
  await goTo(found, 'settings');
  await page.getByRole('button', { name: /Erase everything/ }).click();
  const sheet = page.getByRole('dialog');
  await expect(sheet.getByRole('button', { name: 'Erase everything' })).toBeDisabled();
  await sheet.getByLabel(/type the word/).fill('erase');
  await sheet.getByRole('button', { name: 'Erase everything' }).click();
  await expect(page.getByLabel('Your name')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByLabel('Your name')).toHaveValue('');
});

test('the file brings Anna back as well, once its keys are opened with the right passphrase', async () => {
  const { page } = found;
  await page.getByRole('button', { name: /I have a recovery card/ }).click();
  await page.getByRole('link', { name: 'I have my data as a file' }).click();
  await page.locator('#import input[type=file]').setInputFiles(file);
  await page.locator('#import input[type=password]').fill('chestnut lantern fifty bottles');
  await page.getByRole('button', { name: 'Read the file' }).click();
  await expect(page.getByRole('alert')).toContainText('That does not open the keys in this file.', { timeout: 30_000 });
  await page.locator('#import input[type=password]').fill('chestnut lantern fifty bridges');
  await page.getByRole('button', { name: 'Read the file' }).click();
  await expect(page.getByText('The keys were taken: this device is you again.')).toBeVisible({ timeout: 30_000 });
  const link = await showInvite(street, bora);
  await page.getByRole('link', { name: 'I have an invite' }).click();
  await expect(page.getByText('Hello, Anna')).toBeVisible();
  await page.getByRole('button', { name: 'Paste or scan the invite' }).click();
  await page.getByLabel('Invite link or code').fill(link);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await letIn(bora);
  await expect(page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 30_000 });
  await goTo(found, 'mesh');
  await expect(page.getByTestId('person')).toHaveCount(2, { timeout: 30_000 });
});

test("nobody's console complained", () => {
  expect({ anna: anna.complaints, bora: bora.complaints }).toEqual({ anna: [], bora: [] });
});
