import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encodeInvite } from '../../src/lib/crypto/invite.ts';
import { openStreet } from '../support/street.ts';
import { ask, emojiOn, foundNeighbourhood, giveName, goTo, letIn, say, showInvite } from '../support/walks.ts';
import { serveStaticFolder } from '../support/static-folder.ts';
import { build } from './build.mjs';
import { projectDir, runMain, Unready } from './project.mjs';
import { takeBusAlone, takeBusTogether } from './screenshots-bus.mjs';
import { takeLinking, takeOwn, takePeople } from './screenshots-people.mjs';

/**
 * `node tests/run/screenshots.mjs <folder>`: every screen and its main states, from real browsers on the real server. Each state is
 * taken on a phone and on a desktop, in light and dark; Anna's screens are English, those of Bora, Chen and Dora German.
 */

const phone = { width: 390, height: 844 };
const desktop = { width: 1280, height: 800 };

/** @typedef {import('../support/street.ts').Resident} Resident */
/** @typedef {import('../support/street.ts').Street} Street */
/** @typedef {(resident: Pick<Resident, 'page'>, name: string) => Promise<void>} Take */

/**
 * @param {string} folder
 * @returns {Take} writes <name>-phone-light.png and its three sisters, and <name>-whole.png when a phone does not show it all
 */
const camera =
  (folder) =>
  async ({ page }, name) => {
    for (const [screen, viewport] of Object.entries({ phone, desktop })) {
      await page.setViewportSize(viewport);
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.evaluate(() => document.fonts.ready);
        await page.waitForTimeout(150);
        await page.screenshot({ path: join(folder, `${name}-${screen}-${colorScheme}.png`) });
      }
    }
    await page.setViewportSize(phone);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    if (height <= phone.height) return;
    // A taller window and not Playwright's whole page: that one draws the bars where they stood in the small window.
    await page.setViewportSize({ width: phone.width, height });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.waitForTimeout(150);
    await page.screenshot({ path: join(folder, `${name}-whole.png`) });
    await page.setViewportSize(phone);
  };

/** @param {Street} street @param {Take} take */
const takeAlone = async (street, take) => {
  const anna = await street.move('Anna');
  const { page } = anna;
  await page.goto(street.url());
  await page.getByLabel('Your name').waitFor();
  await take(anna, '01-welcome-name-en');
  await giveName(anna);
  await page.getByText('Hello, Anna').waitFor();
  await take(anna, '02-welcome-ways-en');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByText('You are in').waitFor();
  await take(anna, '03-welcome-in-en');
  await goTo(anna, 'mesh');
  await take(anna, '04-mesh-alone-en');
  await page.getByRole('button', { name: 'Show my code' }).first().click();
  await page.getByTestId('invite-link').waitFor();
  await take(anna, '05-mesh-code-en');
  await page.keyboard.press('Escape');
  await goTo(anna, 'chat');
  await take(anna, '06-chat-empty-en');
  await goTo(anna, 'ask');
  await take(anna, '07-ask-empty-en');
  await ask(anna, 'What do I do if the water is cut off?');
  await page.getByTestId('served-by').waitFor();
  await take(anna, '08-ask-answer-en');
  await ask(anna, 'Xylophon quagga zzyzx?');
  await page.getByTestId('nothing').waitFor();
  await take(anna, '09-ask-nothing-en');
  await page.goto(`${street.url()}/ask/`);
  await ask(anna, 'How do I stop heavy bleeding?');
  await page.getByTestId('served-by').waitFor();
  await take(anna, '10-ask-vital-en');
  await page
    .getByRole('link', { name: /Source 1/ })
    .first()
    .click();
  await page.locator('mark').first().waitFor();
  await take(anna, '11-reader-mark-en');
  await page.goto(`${street.url()}/library/`);
  await page.getByTestId('document').nth(11).waitFor();
  await take(anna, '12-library-en');
  await page.getByRole('button', { name: 'Add a document' }).first().click();
  await take(anna, '13-library-add-en');
  await page.keyboard.press('Escape');
  await takeBusAlone(take, anna);
  await goTo(anna, 'settings');
  await page.getByRole('button', { name: 'Run the self-test' }).click();
  await page.getByText(/Everything is in order|not well/).waitFor();
  await take(anna, '14-settings-en');
  await takeOwn(take, anna);
  await page.getByTestId('emergency-button').click();
  await page.getByText('Heavy bleeding').waitFor();
  await take(anna, '15-emergency-en');
  await page.goto(`${street.url()}/no/such/place`);
  await take(anna, '16-missing-en');
  return anna;
};

/** @param {Street} street @param {Take} take @param {Resident} anna */
const takeTogether = async (street, take, anna) => {
  const link = await showInvite(street, anna);
  const bora = await street.move('Bora', { locale: 'de-DE' });
  await bora.page.goto(link);
  await bora.page.getByLabel('Dein Name').waitFor();
  await take(bora, '20-welcome-name-de');
  await giveName(bora, 'de');
  await take(bora, '21-welcome-invite-de');
  await bora.page.getByRole('button', { name: 'Beitreten', exact: true }).click();
  await emojiOn(bora.page);
  await take(bora, '22-welcome-door-de');
  await goTo(bora, 'mesh');
  await take(bora, '23-mesh-pending-de');
  await emojiOn(anna.page);
  await take(anna, '24-mesh-door-en');
  await letIn(anna);
  await bora.page.getByTestId('person').nth(1).waitFor({ timeout: 30_000 });
  await take(bora, '25-mesh-neighbour-de');
  await anna.page.getByText('Bora is in.').waitFor({ state: 'hidden' });
  await take(anna, '26-mesh-neighbour-en');
  await bora.page.getByTestId('status-pill').click();
  await take(bora, '27-pill-sheet-de');
  await bora.page.keyboard.press('Escape');
  await addPump(bora, take);
  await goTo(anna, 'library');
  await anna.page
    .getByText(/strassennotizen/)
    .first()
    .waitFor();
  await take(anna, '30-library-neighbour-en');
  await ask(anna, 'Where is the key of the hand pump?');
  await anna.page.getByText(/Answered by Bora/).waitFor();
  await take(anna, '31-ask-neighbour-en');
  await takeBusTogether(take, anna, bora);
  await say(anna, 'Hello everyone! Who has a camping stove?');
  await say(bora, 'Ich habe einen, und zwei Kartuschen. Kommt einfach rüber, die Tür zum Hof ist offen.', 'de');
  await anna.page.getByText(/zwei Kartuschen/).waitFor();
  await say(anna, 'Thank you!');
  await anna.page
    .getByTestId('message')
    .filter({ hasText: 'Thank you!' })
    .getByText('With 1 of 1 neighbours')
    .waitFor();
  await take(anna, '32-chat-en');
  await take(bora, '33-chat-de');
  await takePeople(street, take, anna, bora);
  await street.moveOut(bora);
  await takeLinking(street, take, anna);
  await say(anna, 'Are you still there?');
  await anna.page.getByText('Saved here, will send').last().waitFor();
  await take(anna, '34-chat-away-en');
};

/** @param {Resident} bora @param {Take} take */
const addPump = async (bora, take) => {
  const { page } = bora;
  await goTo(bora, 'library');
  await page.getByRole('button', { name: 'Dokument hinzufügen' }).first().click();
  const text =
    '# The hand pump in the yard\n\nThe old hand pump stands behind the bakery. The key of the hand pump hangs at the bakery door.\n';
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'hand-pump.md', mimeType: 'text/markdown', buffer: Buffer.from(text) });
  await page.getByLabel('In welches Regal?').fill('strassennotizen');
  await page.getByRole('radio', { name: /Nachbarschaft/ }).check();
  await take(bora, '28-library-add-de');
  await page.getByRole('dialog').getByRole('button', { name: 'In die Bibliothek' }).click();
  await page.getByTestId('added').waitFor();
  await page.getByRole('button', { name: 'Fertig' }).click();
  await take(bora, '29-library-own-de');
};

/** The states in which something is wrong. @param {Street} street @param {Take} take */
const takeTrouble = async (street, take) => {
  const port = new URL(street.url()).port;
  const dora = await street.move('Dora', {
    locale: 'de-DE',
    browserArgs: ['--host-resolver-rules=MAP hearth.test localhost'],
  });
  await dora.page.goto(`http://hearth.test:${port}/`);
  await dora.page.getByRole('heading', { level: 1 }).waitFor();
  await take(dora, '40-insecure-de');
  const bytes = (/** @type {number} */ length) => new Uint8Array(length).fill(7);
  const expired = encodeInvite({ community: bytes(16), inviter: bytes(32), secret: bytes(16), expires: 1, hint: '' });
  await dora.page.goto(`${street.url()}/#join=${expired}`);
  await giveName(dora, 'de');
  await dora.page.getByRole('button', { name: 'Beitreten', exact: true }).click();
  await dora.page.getByRole('alert').first().waitFor();
  await take(dora, '41-invite-expired-de');
  await dora.page.getByRole('button', { name: 'Gründen', exact: true }).click();
  await dora.page.getByText('Du bist drin').waitFor();
  for (const place of /** @type {const} */ (['settings', 'ask', 'library'])) {
    await goTo(dora, place);
    await take(dora, `42-${place}-de`);
  }
  await dora.page.goto(`${street.url()}/emergency/`);
  await take(dora, '43-emergency-de');
  await street.moveOut(dora);
  await takeWithoutServer(street, take);
};

/** A static host whose meeting server does not answer. @param {Street} street @param {Take} take */
const takeWithoutServer = async (street, take) => {
  const host = await serveStaticFolder(join(projectDir, 'build'));
  try {
    const chen = await street.move('Chen', { locale: 'de-DE', origin: host.url });
    await foundNeighbourhood({ ...street, url: () => host.url }, chen, 'de');
    await goTo(chen, 'mesh');
    await chen.page
      .getByText(/Treffpunkt-Server/)
      .first()
      .waitFor();
    await take(chen, '44-mesh-no-server-de');
  } finally {
    await host.close();
  }
};

await runMain(async () => {
  const [wanted] = process.argv.slice(2);
  if (wanted === undefined)
    throw new Unready('Name the folder for the pictures: node tests/run/screenshots.mjs <folder>');
  const folder = resolve(wanted);
  mkdirSync(folder, { recursive: true });
  await build();
  const street = await openStreet();
  try {
    await street.startServer();
    const take = camera(folder);
    const anna = await takeAlone(street, take);
    await takeTogether(street, take, anna);
    await takeTrouble(street, take);
    console.log(`The pictures are in ${folder}.`);
    return 0;
  } finally {
    await street.close();
  }
});
