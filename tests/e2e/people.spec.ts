import { expect, test } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, openPerson, say, showInvite } from '../support/walks.ts';

/** Trust, and its end: what several people decide together reaches everybody, and whoever is removed reads nothing new. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;
let chen: Resident;

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  bora = await street.move('Bora', { locale: 'de-DE' });
  chen = await street.move('Chen');
});
test.afterAll(() => street.close());

test('Anna founds the neighbourhood and lets Bora and Chen in', async () => {
  await foundNeighbourhood(street, anna);
  for (const [newcomer, language] of [
    [bora, 'de'],
    [chen, 'en'],
  ] as const) {
    await knock(await showInvite(street, anna), newcomer, language);
    await letIn(anna);
    await expect(newcomer.page.getByRole('heading', { level: 1, name: /You are in|Du bist drin/ })).toBeVisible({
      timeout: 30_000,
    });
    await expect(anna.page.getByTestId('waiting')).toHaveCount(0);
  }
  await goTo(bora, 'mesh');
  await expect(bora.page.getByTestId('person')).toHaveCount(3, { timeout: 30_000 });
  await goTo(chen, 'mesh');
  await expect(chen.page.getByTestId('person')).toHaveCount(3, { timeout: 30_000 });
});

test('Chen, a plain neighbour, is offered no act on anybody', async () => {
  await openPerson(chen, 'Bora');
  const sheet = chen.page.getByRole('dialog');
  await expect(sheet.getByText('Let in by Anna')).toBeVisible();
  await expect(sheet.getByRole('button')).toHaveText(['']);
  await chen.page.keyboard.press('Escape');
});

test('Anna trusts Bora, and he sees it himself', async () => {
  await openPerson(anna, 'Bora');
  const sheet = anna.page.getByRole('dialog');
  await sheet.getByRole('button', { name: 'Trust Bora' }).click();
  await expect(sheet.getByText(/may then trust others/)).toBeVisible();
  await sheet.getByRole('button', { name: 'Trust Bora' }).click();
  await expect(anna.page.getByText('Bora is a trusted neighbour now.')).toBeVisible();
  await expect(sheet.getByText('Trusted neighbour')).toBeVisible();
  await anna.page.keyboard.press('Escape');
  await expect(bora.page.getByTestId('person').filter({ hasText: 'Bora' })).toContainText('Vertrauensperson', {
    timeout: 30_000,
  });
});

test('Anna asks whether Chen should leave: one of two agrees, and each is told in words for them', async () => {
  await openPerson(anna, 'Chen');
  const sheet = anna.page.getByRole('dialog');
  await sheet.getByRole('button', { name: 'Remove from the neighbourhood' }).click();
  await expect(sheet.getByText('2 trusted neighbours have to agree; you are the first of them.')).toBeVisible();
  await sheet.getByLabel('Reason (if you like)').fill('Moved away in spring');
  await sheet.getByRole('button', { name: 'Ask the others' }).click();
  await expect(anna.page.getByText('The others are asked now.')).toBeVisible();
  await anna.page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  const card = anna.page.getByRole('region', { name: 'You asked whether Chen should leave the neighbourhood' });
  await expect(card.getByText('1 of 2 agree.')).toBeVisible();
  await expect(chen.page.getByText('Anna asks whether you should leave the neighbourhood')).toBeVisible({
    timeout: 30_000,
  });
  await expect(chen.page.getByText('Nothing is decided. Talk to Anna, and to the others.')).toBeVisible();
  await expect(chen.page.getByRole('button', { name: 'Agree' })).toHaveCount(0);
});

test('Bora agrees: Chen is out, and everybody sees it', async () => {
  await expect(bora.page.getByText('Anna fragt, ob Chen die Nachbarschaft verlassen soll')).toBeVisible({
    timeout: 30_000,
  });
  await expect(bora.page.getByText('„Moved away in spring“')).toBeVisible();
  await bora.page.getByRole('button', { name: 'Zustimmen' }).click();
  const sheet = bora.page.getByRole('dialog');
  await expect(sheet.getByText('Dein Wort ist das letzte, das fehlt: Es gilt dann sofort.')).toBeVisible();
  await sheet.getByRole('button', { name: 'Zustimmen' }).click();
  await expect(bora.page.getByText('Chen ist nicht mehr in der Nachbarschaft.')).toBeVisible();
  for (const { page } of [anna, bora]) {
    await expect(page.getByTestId('person')).toHaveCount(2, { timeout: 30_000 });
    await page.getByTestId('former').locator('summary').click();
    await expect(page.getByTestId('former')).toContainText('Chen');
  }
  await expect(chen.page.getByRole('heading', { name: 'You are no longer in this neighbourhood' })).toBeVisible({
    timeout: 30_000,
  });
});

test('what Anna says afterwards reaches Bora and never Chen, also after he comes back', async () => {
  await say(anna, 'The key of the pump is at the bakery');
  await goTo(bora, 'chat');
  await expect(bora.page.getByText('The key of the pump is at the bakery')).toBeVisible({ timeout: 30_000 });
  await expect(anna.page.getByText('With 1 of 1 neighbours')).toBeVisible({ timeout: 30_000 });
  await chen.page.reload();
  await goTo(chen, 'chat');
  await say(bora, 'Danke, ich hole ihn', 'de');
  await expect(anna.page.getByText('Danke, ich hole ihn')).toBeVisible({ timeout: 30_000 });
  await expect(chen.page.getByText('The key of the pump is at the bakery')).toHaveCount(0);
  await goTo(chen, 'mesh');
  await expect(chen.page.getByTestId('end')).toBeVisible();
});

test('Anna, the only anchor, may not leave the others without one; Bora leaves by typing the name', async () => {
  await goTo(anna, 'settings');
  await anna.page.getByRole('button', { name: /Leave the neighbourhood/ }).click();
  await expect(anna.page.getByRole('dialog').getByText(/First make somebody else an anchor/)).toBeVisible();
  await anna.page.keyboard.press('Escape');
  await goTo(bora, 'settings');
  await bora.page.getByRole('button', { name: /Nachbarschaft verlassen/ }).click();
  const sheet = bora.page.getByRole('dialog');
  await expect(sheet.getByRole('button', { name: 'Nachbarschaft verlassen' })).toBeDisabled();
  await sheet.getByRole('textbox').fill("anna's neighbourhood");
  await sheet.getByRole('button', { name: 'Nachbarschaft verlassen' }).click();
  await goTo(bora, 'mesh');
  await expect(bora.page.getByRole('heading', { name: 'Du hast diese Nachbarschaft verlassen' })).toBeVisible();
  await goTo(anna, 'mesh');
  await expect(anna.page.getByTestId('person')).toHaveCount(1, { timeout: 30_000 });
});

test("nobody's console complained", () => {
  expect([anna, bora, chen].map(({ name, complaints }) => ({ name, complaints }))).toEqual(
    ['Anna', 'Bora', 'Chen'].map((name) => ({ name, complaints: [] })),
  );
});
