import { expect, test } from '@playwright/test';
import { givePageBus } from '../support/page-bus.ts';
import { crashTab, openStreet, openTab, type Resident, type Street } from '../support/street.ts';
import { ask, foundNeighbourhood, goTo, readPillSheet, say } from '../support/walks.ts';

/** One browser profile is one device, however many tabs look at it and however they end. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let first: Resident;
let second: Resident;

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  first = await street.move('Anna');
  await foundNeighbourhood(street, first);
});
test.afterAll(() => street.close());

const told = /This tab looks through the other one/;

test('a second tab is told once that it looks through the first, and asks and chats through it', async () => {
  second = await openTab(first);
  await second.page.goto(`${street.url()}/ask/`);
  await expect(second.page.getByTestId('toasts').getByText(told)).toBeVisible();
  await second.page.getByTestId('toasts').getByRole('button', { name: 'Dismiss' }).click();
  await ask(second, 'What do I do if the water is cut off?');
  await expect(second.page.getByText(/Answered by this device, directly, \d+ ms/)).toBeVisible();
  await say(second, 'Written in the second tab');
  await expect(second.page.getByTestId('message').getByText('Written in the second tab')).toBeVisible();
  await goTo(second, 'mesh');
  await expect(second.page.getByTestId('toasts').getByText(told)).toHaveCount(0);
});

test('what happens in one tab shows in the other by itself', async () => {
  await goTo(first, 'chat');
  await expect(first.page.getByTestId('message').getByText('Written in the second tab')).toBeVisible();
  await goTo(second, 'chat');
  await say(first, 'Written in the first tab');
  await expect(second.page.getByTestId('message').getByText('Written in the first tab')).toBeVisible();
  await goTo(second, 'mesh');
  await goTo(first, 'settings');
  await first.page.getByLabel('What neighbours call you').fill('Anna B.');
  await first.page.getByRole('button', { name: 'Save', exact: true }).first().click();
  await expect(second.page.getByTestId('person').getByText('Anna B.')).toBeVisible();
});

test('the leading tab is closed: the other takes over and goes on', async () => {
  await readPillSheet(second, /Everything runs in another tab/);
  await first.page.close();
  await readPillSheet(second, /Everything runs in this tab/);
  await say(second, 'The first tab is gone');
  await expect(second.page.getByTestId('message').getByText('The first tab is gone')).toBeVisible();
  await expect(second.page.getByTestId('message')).toHaveCount(3);
  await ask(second, 'How do I stop heavy bleeding?');
  await expect(second.page.getByText(/Answered by this device/).last()).toBeVisible();
});

test('the leading tab crashes: a third one takes over, with everything that was said', async () => {
  const third = await openTab(second);
  await third.page.goto(`${street.url()}/chat/`);
  await expect(third.page.getByTestId('message')).toHaveCount(3);
  await crashTab(second);
  await say(third, 'The second tab crashed');
  await expect(third.page.getByTestId('message').getByText('The second tab crashed')).toBeVisible();
  await readPillSheet(third, /Everything runs in this tab/);
  await second.page.close();
  first = third;
});

/** Where the words are: as a message, as unsent words with their buttons, or still in the field. */
const placesOf = async ({ page }: Resident, text: string): Promise<string[]> => {
  await expect(page.getByTestId('message').first()).toBeVisible();
  const messages = await page.getByTestId('message').getByText(text, { exact: true }).count();
  const unsent = await page.getByTestId('unsent').getByText(text, { exact: true }).count();
  const field = await page.getByLabel('Message to everyone here').inputValue();
  return [
    ...Array<string>(messages).fill('message'),
    ...Array<string>(unsent).fill('unsent'),
    ...(field === text ? ['field'] : []),
  ];
};

for (const [pauseMs, end] of [
  [0, 'closed'],
  [0, 'crashed'],
  [3, 'crashed'],
  [10, 'closed'],
  [30, 'crashed'],
] as const) {
  test(`the only tab is ${end} ${pauseMs} ms after Enter: the words are in one place, neither lost nor doubled`, async () => {
    const text = `Sent ${pauseMs} ms before the tab ${end}`;
    const next = await openTab(first);
    await goTo(first, 'chat');
    await first.page.getByLabel('Message to everyone here').fill(text);
    await first.page.keyboard.press('Enter');
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (end === 'crashed') await crashTab(first);
    await first.page.close();
    await next.page.goto(`${street.url()}/chat/`);
    await expect.poll(() => placesOf(next, text)).toHaveLength(1);
    first = next;
    // Whoever finds the words unsent, or in the field because the tab ended before Enter was heard, sends them again: still one message.
    if ((await placesOf(first, text)).includes('field')) {
      await first.page.getByLabel('Message to everyone here').focus();
      await first.page.keyboard.press('Enter');
    }
    const again = first.page.getByTestId('unsent').filter({ hasText: text }).getByRole('button', { name: 'Try again' });
    if (await again.isVisible()) await again.click();
    await expect.poll(() => placesOf(first, text)).toEqual(['message']);
  });
}

test('the whole browser is closed right after Enter: the words are in one place', async () => {
  const text = 'Sent before the browser was closed';
  await first.page.getByLabel('Message to everyone here').fill(text);
  await first.page.keyboard.press('Enter');
  await street.moveOut(first);
  first = await street.move('Anna');
  await first.page.goto(`${street.url()}/chat/`);
  await expect.poll(() => placesOf(first, text)).toHaveLength(1);
});

test('what was shown as saved is never lost, though the tab crashes in that moment', async () => {
  const text = 'Shown as saved';
  await first.page.getByLabel('Message to everyone here').fill(text);
  await first.page.keyboard.press('Enter');
  await expect(
    first.page.getByTestId('message').filter({ hasText: text }).getByText('Saved here, will send'),
  ).toBeVisible();
  await crashTab(first);
  await street.moveOut(first);
  first = await street.move('Anna');
  await first.page.goto(`${street.url()}/chat/`);
  await expect.poll(() => placesOf(first, text)).toEqual(['message']);
});

test('a half-written message and a half-written question are there again after a reload', async () => {
  await first.page.getByLabel('Message to everyone here').fill('Half a mess');
  await goTo(first, 'ask');
  await first.page.getByLabel('Your question').fill('Half a quest');
  await first.page.reload();
  await expect(first.page.getByLabel('Your question')).toHaveValue('Half a quest');
  await goTo(first, 'chat');
  await expect(first.page.getByLabel('Message to everyone here')).toHaveValue('Half a mess');
});

test('a reload and a new start of the browser keep the same device and the same face', async () => {
  const identity = async (): Promise<readonly string[]> => {
    await givePageBus(first.page);
    await first.page.goto(`${street.url()}/settings/`);
    const face = first.page.locator('#you svg').nth(1);
    await expect(face).toBeVisible();
    const ids = await first.page.evaluate(async () => {
      const told: string[] = [];
      await pageBus.call('node.info@1.0', {}, ({ device, person }: { device: string; person: string }) => {
        told.push(device, person);
        return true;
      });
      return told;
    });
    return [...ids, await face.innerHTML()];
  };
  const before = await identity();
  expect(before[0]).toMatch(/^[\w-]{43}$/);
  await first.page.reload();
  expect(await identity()).toEqual(before);
  await street.moveOut(first);
  first = await street.move('Anna');
  expect(await identity()).toEqual(before);
});

test("nobody's console complained and nothing was asked of a foreign origin", () => {
  expect({ complaints: first.complaints, foreign: first.foreignRequests }).toEqual({ complaints: [], foreign: [] });
});
