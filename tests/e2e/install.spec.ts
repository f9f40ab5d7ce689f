import { expect, test } from '@playwright/test';
import { openStreet, type Street } from '../support/street.ts';

let street: Street;
test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
});
test.afterAll(() => street.close());

test('step 7: the app can be installed: no installability error, and the browser offers it', async () => {
  const { context, page } = await street.move('Chen');
  await page.addInitScript(() => {
    window.addEventListener('beforeinstallprompt', () => document.documentElement.setAttribute('data-offered', 'yes'), {
      once: true,
    });
  });
  await page.goto(street.url());
  await expect(page.locator('html[data-offered=yes]')).toBeAttached({ timeout: 30_000 });
  const devtools = await context.newCDPSession(page);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  expect(installabilityErrors).toEqual([]);
});
