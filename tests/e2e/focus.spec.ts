import { expect, test } from '@playwright/test';
import { hiddenFocus } from '../support/hidden-focus.ts';
import { openStreet } from '../support/street.ts';
import { foundNeighbourhood } from '../support/walks.ts';

test('what has the focus stays in sight when something comes above it, and nobody who scrolled away is brought back', async () => {
  const street = await openStreet();
  try {
    await street.startServer();
    const anna = await street.move('Anna');
    await foundNeighbourhood(street, anna);
    const { page } = anna;
    await page.goto(`${street.url()}/settings/`);
    const name = page.locator('main input[type="text"]').first();
    await name.focus();
    await expect(name).toBeFocused();
    const pushDown = (): Promise<void> =>
      page.evaluate(() => {
        const late = document.createElement('div');
        late.style.height = '2000px';
        document.querySelector('main')?.prepend(late);
      });
    const scrolledTo = (): Promise<number> => page.evaluate(() => window.scrollY);
    await pushDown();
    await expect.poll(scrolledTo).toBeGreaterThan(1_000);
    expect(await hiddenFocus(page)).toBeNull();
    await page.evaluate(() => window.scrollTo(0, 0));
    await pushDown();
    await page.waitForTimeout(300); // nothing is to happen
    expect(await scrolledTo()).toBe(0);
    expect(anna.complaints).toEqual([]);
  } finally {
    await street.close();
  }
});
