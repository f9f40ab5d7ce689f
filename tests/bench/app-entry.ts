import type { Page } from '@playwright/test';
import type { Resident, Street } from '../support/street.ts';
import { emptyPageUrl, routeEmptyPage, watchLongTasks } from './app-control.ts';
import { median, rounded } from './samples.ts';

/**
 * `ttiMs`: from the start of the navigation to the name field that takes input. The field is there only after the node in
 * its worker has answered `node.info`, so everything runs by then. Each visit is the first of a new profile.
 */
export const measureFirstVisits = async (street: Street, visits: number) => {
  const times: number[] = [];
  const loads: number[] = [];
  const tasks: number[] = [];
  for (let visit = 0; visit < visits; visit++) {
    const guest = await street.move(`guest-${visit}`);
    await routeEmptyPage(guest);
    const { since } = await watchLongTasks(guest.page);
    await guest.page.goto(emptyPageUrl(street));
    loads.push(await loadMs(guest.page));
    await guest.page.goto(street.url(), { waitUntil: 'commit' });
    times.push(await untilField(guest.page, 'input[autocomplete=nickname]'));
    tasks.push((await since(0)).max);
    await guest.context.close();
  }
  return {
    figures: { ttiMs: rounded(median(times)), firstVisitLongTaskMaxMs: rounded(median(tasks)) },
    emptyPage: { ttiMs: rounded(median(loads)) },
  };
};

/** From the start of the navigation to the frame after the document was complete. */
export const loadMs = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const look = (): void =>
          void (document.readyState === 'complete' ? resolve(performance.now()) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      }),
  );

/** From the start of the navigation to the first frame in which the field is there and not disabled. */
const untilField = (page: Page, selector: string): Promise<number> =>
  page.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const look = (): void => {
          const field = document.querySelector<HTMLInputElement>(wanted);
          if (field && !field.disabled) resolve(performance.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
    selector,
  );

/**
 * A scripted first run: from a blank page to being in a new neighbourhood. Taps are counted by the page itself (trusted
 * clicks with a pointer); the name field is tapped only if it has not the focus already. Typing is not a tap.
 */
export const enter = async (street: Street, { page, name }: Resident): Promise<{ taps: number; placeName: string }> => {
  await page.addInitScript(() => {
    addEventListener(
      'click',
      (event) => {
        if (!(event instanceof PointerEvent) || !event.isTrusted || event.pointerType === '') return;
        sessionStorage.setItem('bench.taps', `${Number(sessionStorage.getItem('bench.taps')) + 1}`);
      },
      true,
    );
  });
  await page.goto(street.url());
  const field = page.getByLabel('Your name');
  await field.waitFor();
  if (!(await field.evaluate((element) => element === document.activeElement))) await field.click();
  await page.keyboard.type(name);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('heading', { name: 'You are in' }).waitFor();
  const taps = await page.evaluate(() => Number(sessionStorage.getItem('bench.taps')));
  const placeName = (await page.locator('header .place span').textContent()) ?? '';
  return { taps, placeName };
};
