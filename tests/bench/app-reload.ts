import type { Page } from '@playwright/test';
import type { Resident, Street } from '../support/street.ts';
import { loadMs } from './app-entry.ts';
import type { Control } from './app-control.ts';
import { median, rounded } from './samples.ts';

const reloads = 10;

/**
 * The server is off. From the reload to the frame in which the question field is there and the top bar shows the name of the
 * neighbourhood, which only `node.info` brings; then the field is typed into, to see that it takes it.
 */
export const measureReloads = async (street: Street, { page }: Resident, control: Control, placeName: string) => {
  await page.goto(`${street.url()}/ask/`);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await street.stopServer();
  const times: number[] = [];
  const empty: number[] = [];
  for (let at = 0; at < reloads; at++) {
    await page.reload({ waitUntil: 'commit' });
    times.push(await untilUsable(page, placeName));
    await page.getByLabel('Your question').fill(`typed after reload ${at}`);
    if ((await page.getByLabel('Your question').inputValue()) !== `typed after reload ${at}`)
      throw new Error('the field took no input');
    await control.resident.page.reload({ waitUntil: 'commit' });
    empty.push(await loadMs(control.resident.page));
  }
  return {
    figures: { offlineReloadMs: rounded(median(times)), offlineReloadMaxMs: rounded(Math.max(...times)) },
    emptyPage: { offlineReloadMs: rounded(median(empty)) },
  };
};

const untilUsable = (page: Page, placeName: string): Promise<number> =>
  page.evaluate(
    (name) =>
      new Promise<number>((resolve) => {
        const look = (): void => {
          const field = document.querySelector<HTMLTextAreaElement>('form.composer textarea');
          const place = document.querySelector('header .place span')?.textContent;
          if (field && !field.disabled && place === name) resolve(performance.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
    placeName,
  );
