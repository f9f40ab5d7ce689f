import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { ask, foundNeighbourhood, say } from '../support/walks.ts';
import { hiddenFocus } from '../support/hidden-focus.ts';

/** For everybody: no rule of axe broken, no sideways scrolling at 320 px, everything by keyboard, and calm where calm is asked for. */

let street: Street;
let anna: Resident;

const routes = [
  '/ask/',
  '/chat/',
  '/library/',
  '/library/guide/?id=water',
  '/plan/',
  '/plan/open/',
  '/mesh/',
  '/emergency/',
  '/settings/',
  '/settings/devices/',
  '/settings/card/',
  '/settings/data/',
  '/settings/gives/',
  '/settings/log/',
  '/settings/calls/',
  '/welcome/',
  '/no/such/place',
];
const phone = { width: 390, height: 844 };
const desktop = { width: 1280, height: 800 };

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  await foundNeighbourhood(street, anna);
  await say(anna, 'Hello');
});
test.afterAll(() => street.close());

/** Waits until a page has said what it has to say: words stand, nothing is being fetched, nothing moves. */
const settle = async (page: Page): Promise<void> => {
  await expect(page.getByRole('heading', { level: 1 }).first()).toBeAttached();
  await expect(page.locator('main [role=progressbar]:not([aria-valuenow]), main progress:not([value])')).toHaveCount(0);
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((one) => one.effect?.getTiming().iterations !== Infinity)
        .map((one) => one.finished),
    ),
  );
};

const brokenRules = async (page: Page): Promise<readonly string[]> => {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
};

/** The page as it is, in both themes and on both screens. */
const expectNoBrokenRule = async (page: Page, name: string): Promise<void> => {
  for (const [screen, viewport] of Object.entries({ phone, desktop })) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await settle(page);
      expect({ name, screen, colorScheme, broken: await brokenRules(page) }).toEqual({
        name,
        screen,
        colorScheme,
        broken: [],
      });
    }
  }
  await page.setViewportSize(phone);
  await page.emulateMedia({ colorScheme: null });
};

test.describe('by keyboard alone', () => {
  test.describe.configure({ mode: 'serial' });
  let dora: Resident;

  /** What has the focus can be seen to have it: an outline of two pixels or more. */
  const expectFocusSeen = async (page: Page): Promise<void> => {
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      // After a change of page SvelteKit puts the focus back to the top of the document, where the next Tab starts.
      if (!element || element === document.body) return null;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      return {
        element: element.outerHTML.slice(0, 120),
        isSeen: (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2) || boxShadow !== 'none',
      };
    });
    if (focus) expect(focus).toEqual({ ...focus, isSeen: true });
  };

  /** Presses Tab until the focus is on something with this role and name. */
  const tabTo = async (page: Page, role: string, name: RegExp): Promise<void> => {
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      if ((await focused.count()) === 0) continue;
      await expectFocusSeen(page);
      if ((await focused.and(page.getByRole(role as 'button', { name })).count()) > 0) return;
    }
    throw new Error(`Tab never came to the ${role} ${name}`);
  };

  test('Dora goes from a blank page into a neighbourhood and asks a question, with Tab, Enter and letters', async () => {
    dora = await street.move('Dora');
    const { page } = dora;
    await page.goto(street.url());
    await expect(page.getByLabel('Your name')).toBeFocused();
    await page.keyboard.type('Dora');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Hello, Dora')).toBeVisible();
    await tabTo(page, 'button', /^Start$/);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'You are in' })).toBeVisible();
    await tabTo(page, 'link', /Ask the library something/);
    await page.keyboard.press('Enter');
    await tabTo(page, 'textbox', /Your question/);
    await page.keyboard.type('What do I do if the water is cut off?');
    await page.keyboard.press('Enter');
    await expect(page.getByText(/Answered by this device/)).toBeVisible();
    await tabTo(page, 'link', /Source 1/);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: /Water/ })).toBeVisible();
    await tabTo(page, 'link', /Chat/);
    await page.keyboard.press('Enter');
    await tabTo(page, 'textbox', /Message to everyone/);
    await page.keyboard.type('Written without a mouse');
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('message')).toHaveCount(1);
  });

  test('the first Tab on a page leads over the navigation to its content', async () => {
    const { page } = dora;
    await page.goto(`${street.url()}/library/`);
    await settle(page);
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
    await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeInViewport();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true);
  });

  test('a sheet takes the focus, Escape closes it and gives the focus back', async () => {
    const { page } = dora;
    await page.goto(`${street.url()}/mesh/`);
    await tabTo(page, 'button', /Show my code/);
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('invite-link')).toBeVisible();
    expect(await page.evaluate(() => document.activeElement?.closest('dialog') !== null)).toBe(true);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toBeHidden();
    await expect(page.getByRole('button', { name: /Show my code/ }).first()).toBeFocused();
  });

  test('whatever has the focus is not hidden under the bars', async () => {
    const { page } = dora;
    for (const path of ['/settings/', '/library/', '/library/guide/?id=water']) {
      await page.goto(`${street.url()}${path}`);
      await settle(page);
      for (let presses = 0; presses < 30; presses++) {
        await page.keyboard.press('Tab');
        // What comes onto the page a moment later may move it; where it then stays is what counts.
        await expect.poll(() => hiddenFocus(page), { message: path }).toBeNull();
      }
    }
  });
});

test.describe('axe finds no broken rule, in light and dark, on phone and desktop', () => {
  for (const path of routes) {
    test(path, async () => {
      await anna.page.goto(`${street.url()}${path}`);
      await expectNoBrokenRule(anna.page, path);
    });
  }

  test('an answer, a message, the sheets', async () => {
    const { page } = anna;
    await page.goto(`${street.url()}/ask/`);
    await ask(anna, 'How do I stop heavy bleeding?');
    await expect(page.getByText(/Answered by this device/)).toBeVisible();
    await expectNoBrokenRule(page, 'an answer');
    await ask(anna, 'Xylophon quagga zzyzx?');
    await expect(page.getByTestId('nothing')).toBeVisible();
    await expectNoBrokenRule(page, 'nothing found');
    await say(anna, 'A second message');
    await expect(page.getByTestId('message')).toHaveCount(2);
    await expectNoBrokenRule(page, 'messages');
    await page.getByTestId('status-pill').click();
    await expectNoBrokenRule(page, 'the sheet behind the pill');
    await page.goto(`${street.url()}/mesh/`);
    await page
      .getByRole('button', { name: /Show my code/ })
      .first()
      .click();
    await expect(page.getByTestId('invite-link')).toBeVisible();
    await expectNoBrokenRule(page, 'the code');
    await page.goto(`${street.url()}/library/`);
    await page.getByRole('button', { name: 'Add a document' }).first().click();
    await expectNoBrokenRule(page, 'adding a document');
  });

  test('the welcome of somebody new, and the page on an address that browsers do not trust', async () => {
    const address = `http://hearth.test:${new URL(street.url()).port}`;
    const bora = await street.move('Bora', {
      origin: address,
      browserArgs: ['--host-resolver-rules=MAP hearth.test localhost'],
    });
    await bora.page.goto(`${street.url()}/welcome/`);
    await expect(bora.page.getByLabel('Your name')).toBeVisible();
    await expectNoBrokenRule(bora.page, 'the name');
    await bora.page.getByLabel('Your name').fill('Bora');
    await bora.page.keyboard.press('Enter');
    await expect(bora.page.getByText('Hello, Bora')).toBeVisible();
    await bora.page.getByRole('button', { name: 'Paste or scan the invite' }).click();
    await expectNoBrokenRule(bora.page, 'the ways');
    await bora.page.goto(address);
    await expectNoBrokenRule(bora.page, 'the untrusted address');
    await street.moveOut(bora);
  });
});

test('at 320 px, and at 390 px with text twice as large, nothing needs sideways scrolling, in English and in German', async () => {
  const { page } = anna;
  for (const language of ['English', 'Deutsch']) {
    await page.goto(`${street.url()}/settings/`);
    await page.locator('#you').getByText(language, { exact: true }).click();
    // The other language's words have to come before the choice is kept.
    await expect(page.locator('html')).toHaveAttribute('lang', language === 'English' ? 'en' : 'de');
    for (const path of routes) {
      await page.goto(`${street.url()}${path}`);
      await settle(page);
      for (const { width, percent } of [
        { width: 320, percent: 100 },
        { width: 390, percent: 200 },
      ]) {
        await page.setViewportSize({ width, height: 640 });
        await page.evaluate((size) => (document.documentElement.style.fontSize = `${size}%`), percent);
        const tooWide = await page.evaluate(() =>
          [...document.querySelectorAll('body *')]
            .filter(
              (element) =>
                element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.visually-hidden'),
            )
            .map((element) => element.outerHTML.slice(0, 90)),
        );
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect({ path, language, percent, sideways, tooWide: sideways ? tooWide : [] }).toEqual({
          path,
          language,
          percent,
          sideways: 0,
          tooWide: [],
        });
      }
      expect(await page.locator('html').getAttribute('lang')).toBe(language === 'English' ? 'en' : 'de');
    }
  }
});

test('whoever wants reduced motion gets none', async () => {
  const { page } = anna;
  await page.setViewportSize(phone);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const path of routes) {
    await page.goto(`${street.url()}${path}`);
    await settle(page);
    const moving = await page.evaluate(() => {
      const longest = (list: string) => Math.max(...list.split(',').map((time) => Number.parseFloat(time) || 0));
      return [...document.querySelectorAll('*')]
        .filter((element) => {
          const style = getComputedStyle(element);
          return (
            longest(style.transitionDuration) > 0.01 ||
            (style.animationName !== 'none' && longest(style.animationDuration) > 0.01)
          );
        })
        .map((element) => element.outerHTML.slice(0, 100));
    });
    expect({ path, moving }).toEqual({ path, moving: [] });
  }
});

test("nobody's console complained", () => {
  expect(anna.complaints.filter((line) => !line.includes('Not found: /no/such/place'))).toEqual([]);
});
