import type { Page } from '@playwright/test';
import type { Resident, Street } from '../support/street.ts';

/** An empty page in a browser of its own: nothing on it, nothing to do. */
export const openControl = async (street: Street) => {
  const resident = await street.move('Empty page');
  await routeEmptyPage(resident);
  const tasks = await watchLongTasks(resident.page);
  await resident.page.goto(emptyPageUrl(street));
  return { resident, tasks };
};
export type Control = Awaited<ReturnType<typeof openControl>>;

/** Answered without the server, so that it loads when the server is off as well. */
export const routeEmptyPage = async ({ page }: Resident): Promise<void> => {
  const body = '<!doctype html><html lang="en"><title>Empty</title><p>Empty.</p></html>';
  await page.route('**/bench/empty.html', (route) => route.fulfill({ contentType: 'text/html', body }));
};
export const emptyPageUrl = (street: Street): string => `${street.url()}/bench/empty.html`;

declare global {
  var benchTasks: { start: number; ms: number }[];
}

/** Long tasks (50 ms and more) of a page from its first moment on; `since` starts again after a mark. */
export const watchLongTasks = async (page: Page) => {
  await page.addInitScript(() => {
    globalThis.benchTasks = [];
    const keep = (list: PerformanceObserverEntryList): void =>
      list
        .getEntries()
        .forEach(({ startTime, duration }) => globalThis.benchTasks.push({ start: startTime, ms: duration }));
    new PerformanceObserver(keep).observe({ type: 'longtask', buffered: true });
  });
  return {
    /** The page's own clock, for `since`. */
    mark: (): Promise<number> => page.evaluate(() => performance.now()),
    since: (from: number): Promise<{ max: number; count: number }> =>
      page.evaluate((start) => {
        const tasks = globalThis.benchTasks.filter((task) => task.start >= start);
        return { max: Math.max(0, ...tasks.map(({ ms }) => ms)), count: tasks.length };
      }, from),
  };
};
export type LongTasks = Awaited<ReturnType<typeof watchLongTasks>>;
