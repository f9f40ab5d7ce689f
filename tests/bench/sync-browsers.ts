import type { Page } from '@playwright/test';
import { openStreet, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, showInvite } from '../support/walks.ts';
import { openBenchStreet } from './bench-pages.ts';
import { note, rounded, waitUntil } from './samples.ts';
import { measureOwnPages } from './sync-own-pages.ts';
import { measureStockPages } from './sync-stock-pages.ts';

const limitMs = 60_000;

/** Chromium profiles on disk, the real signalling server, WebRTC. A figure is null where the result did not come in time. */
export const measureBrowsers = async () => {
  note('two browsers: the app, through its screen');
  const app = await measureApp();
  const street = await openBenchStreet();
  try {
    note('two browsers: the node on a bench page');
    const own = await measureOwnPages(street);
    note('two browsers: stock y-webrtc on a bench page');
    const stock = await measureStockPages(street);
    return { app, own, stock };
  } finally {
    await street.close();
  }
};

const measureApp = async () => {
  const street = await openStreet();
  try {
    await street.startServer();
    return await lateJoinOnScreen(street);
  } finally {
    await street.close();
  }
};

/** The app as people get it: Anna types 80 messages of 3,900 bytes, Bora joins afterwards; both screens must show the same words. */
const lateJoinOnScreen = async (street: Street) => {
  const anna = await street.move('Anna');
  const bora = await street.move('Bora');
  await foundNeighbourhood(street, anna);
  await goTo(anna, 'chat');
  for (let at = 0; at < 80; at++) {
    await anna.page.getByLabel('Message to everyone').fill(`${at} `.padEnd(3_900, 'abcdefgh ijklmnop '));
    await anna.page.keyboard.press('Enter');
    await anna.page.getByTestId('message').nth(at).waitFor();
  }
  const written = await shownTexts(anna.page);
  const link = await showInvite(street, anna);
  await knock(link, bora, 'en');
  const start = performance.now();
  await letIn(anna);
  await bora.page.getByRole('heading', { name: 'You are in' }).waitFor({ timeout: limitMs });
  await goTo(bora, 'chat');
  const came = await waitUntil(async () => (await bora.page.getByTestId('message').count()) === 80, limitMs, 50);
  const ms = performance.now() - start;
  const seen = await shownTexts(bora.page);
  const isSame = seen.digest === written.digest && seen.bytes >= 300_000;
  return { late300kBOk: came !== null && isSame, late300kBMs: came === null ? null : rounded(ms) };
};

/** SHA-256 over all texts on the screen in their order, and the bytes they have together. */
const shownTexts = (page: Page): Promise<{ digest: string; bytes: number }> =>
  page.evaluate(async () => {
    const texts = [...document.querySelectorAll('[data-testid=message] .text')].map(({ textContent }) => textContent);
    const digest = new Uint8Array(
      await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(texts))),
    );
    return { digest: digest.join(' '), bytes: new TextEncoder().encode(texts.join('')).length };
  });
