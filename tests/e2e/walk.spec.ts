import { expect, test } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { ask, foundNeighbourhood, goTo, knock, letIn, say, showInvite, untilKept } from '../support/walks.ts';

/** Steps 1 to 6 of "The house stands", in one walk: two profiles, the production build, the real server, real WebRTC. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna', { locale: 'en-US' });
  bora = await street.move('Bora', { locale: 'de-DE' });
});
test.afterAll(() => street.close());

test('step 1: Anna opens the address, types her name, and is in a new neighbourhood after three acts', async () => {
  await foundNeighbourhood(street, anna);
});

test('step 2: Bora opens her invite in his own browser, both see the same six pictures, she lets him in, both see each other live', async () => {
  const link = await showInvite(street, anna);
  expect(link).toMatch(/\/#join=[\w-]+$/);
  const seenByBora = await knock(link, bora, 'de');
  const seenByAnna = await letIn(anna);
  expect(seenByAnna).toHaveLength(6);
  expect(seenByBora).toEqual(seenByAnna);
  await expect(bora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible({ timeout: 30_000 });
  await expect(
    anna.page
      .getByRole('listitem')
      .filter({ hasText: 'Bora' })
      .getByText(/linked directly/),
  ).toBeVisible({ timeout: 30_000 });
  await goTo(bora, 'mesh');
  await expect(
    bora.page
      .getByRole('listitem')
      .filter({ hasText: 'Anna' })
      .getByText(/direkt verbunden/i),
  ).toBeVisible({ timeout: 30_000 });
});

test('step 3: Anna asks about the water and gets cited sentences; a source opens at its passage; a line says who answered', async () => {
  await ask(anna, 'What do I do if the water is cut off?');
  await expect(anna.page.getByText(/Answered by this device, directly, \d+ ms/)).toBeVisible({ timeout: 20_000 });
  await anna.page
    .getByRole('link', { name: /Water: when the tap runs dry/ })
    .first()
    .click();
  await expect(anna.page.getByRole('heading', { level: 1, name: /Water/ })).toBeVisible();
  await expect(anna.page.locator('mark').first()).toBeInViewport();
});

test('step 3 in German: Bora asks the same and gets the German guide', async () => {
  await ask(bora, 'Was mache ich, wenn das Wasser abgestellt ist?', 'de');
  await expect(bora.page.getByText(/Beantwortet von|Antwort von|beantwortet/i).first()).toBeVisible({
    timeout: 20_000,
  });
  await expect(bora.page.getByRole('link', { name: /Wasser/ }).first()).toBeVisible();
});

test("step 4: what stands only in a document on Bora's device answers Anna, over WebRTC, and the answer says so", async () => {
  await goTo(bora, 'library');
  await bora.page.getByRole('button', { name: 'Dokument hinzufügen' }).first().click();
  await bora.page.locator('input[type=file]').setInputFiles({
    name: 'hand-pump.md',
    mimeType: 'text/markdown',
    buffer: Buffer.from(
      '# The hand pump in the yard\n\nThe old hand pump stands behind the bakery. The key of the hand pump hangs at the bakery door. Pump twenty strokes before you fill a bottle.\n',
    ),
  });
  await bora.page.getByLabel('In welches Regal?').fill('street-notes');
  await bora.page.getByRole('radio', { name: /Nachbarschaft/ }).check();
  await bora.page.getByRole('dialog').getByRole('button', { name: 'In die Bibliothek' }).click();
  await expect(bora.page.getByTestId('added')).toContainText('The hand pump in the yard');
  await bora.page.getByRole('button', { name: 'Fertig' }).click();
  await goTo(anna, 'library');
  await expect(anna.page.getByText(/street-notes/).first()).toBeVisible({ timeout: 20_000 });
  await ask(anna, 'Where is the key of the hand pump?');
  await expect(anna.page.getByText(/The key of the hand pump hangs at the bakery door/)).toBeVisible({
    timeout: 20_000,
  });
  await expect(anna.page.getByText(/Answered by Bora.*WebRTC.*\d+ ms/)).toBeVisible();
  await anna.page
    .getByRole('link', { name: /The hand pump in the yard/ })
    .first()
    .click();
  await expect(anna.page.locator('mark').first()).toContainText('hand pump');
});

test('step 5: Anna says hello to everyone; Bora sees it; her tick counts his signed receipt', async () => {
  await say(anna, 'Hello everyone!');
  await goTo(bora, 'chat');
  await expect(bora.page.getByText('Hello everyone!')).toBeVisible({ timeout: 20_000 });
  await expect(anna.page.getByText('With 1 of 1 neighbours')).toBeVisible({ timeout: 20_000 });
});

test('step 6a: the server stops; both go on talking, asking and answering', async () => {
  await untilKept(anna);
  await untilKept(bora);
  await street.stopServer();
  await say(bora, 'Der Server ist aus, hörst du mich?', 'de');
  await expect(anna.page.getByText('Der Server ist aus, hörst du mich?')).toBeVisible({ timeout: 20_000 });
  await expect(bora.page.getByText('Bei 1 von 1 Nachbarn')).toBeVisible({ timeout: 20_000 });
  await ask(anna, 'How many strokes with the hand pump before I fill a bottle?');
  await expect(anna.page.getByText(/Pump twenty strokes/).last()).toBeVisible({ timeout: 20_000 });
  await expect(anna.page.getByText(/Answered by Bora/).last()).toBeVisible();
});

test('step 6b: both reload with the server still off; all their data is there and what needs no neighbour works', async () => {
  await anna.page.reload();
  await bora.page.reload();
  await goTo(anna, 'chat');
  await expect(anna.page.getByText('Hello everyone!')).toBeVisible({ timeout: 20_000 });
  await expect(bora.page.getByText('Der Server ist aus, hörst du mich?')).toBeVisible({ timeout: 20_000 });
  await say(anna, 'Written while alone');
  await expect(anna.page.getByText('Saved here, will send').last()).toBeVisible();
  await ask(anna, 'How do I stop heavy bleeding?');
  await expect(anna.page.getByText(/Answered by this device/).last()).toBeVisible({ timeout: 20_000 });
});

test('step 6c: the server comes back; they find each other by themselves and what waited arrives', async () => {
  await goTo(bora, 'chat');
  await street.startServer();
  await expect(bora.page.getByText('Written while alone')).toBeVisible({ timeout: 60_000 });
  await goTo(anna, 'chat');
  await expect(anna.page.getByText('With 1 of 1 neighbours').last()).toBeVisible({ timeout: 60_000 });
});

test("nobody's console complained and nothing was asked of a foreign origin", () => {
  for (const { name, complaints, foreignRequests } of [anna, bora]) {
    expect({ name, complaints, foreignRequests }).toEqual({ name, complaints: [], foreignRequests: [] });
  }
});
