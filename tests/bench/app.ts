import { openStreet } from '../support/street.ts';
import { measureAsk } from './app-ask.ts';
import { enter, measureFirstVisits } from './app-entry.ts';
import { openControl, watchLongTasks } from './app-control.ts';
import { measureReloads } from './app-reload.ts';
import { takeWalk } from './app-walk.ts';
import { measureSizes } from '../run/sizes.mjs';
import { note, rounded, type BenchResult } from './samples.ts';

/**
 * The production build on the real server, in Chromium with profiles on disk, phone-sized. Beside it an empty page in a
 * browser of its own, open during the same minutes: what it takes, the machine takes. Sizes stand beside their budgets.
 */
export const run = async (): Promise<BenchResult> => {
  const sizes = readSizes();
  const street = await openStreet();
  try {
    await street.startServer();
    note('first visits, each in a new profile');
    const visits = await measureFirstVisits(street, 5);
    const control = await openControl(street);
    const anna = await street.move('Anna');
    const annaTasks = await watchLongTasks(anna.page);
    note('a scripted first run');
    const entry = await enter(street, anna);
    note('20 questions');
    const ask = await measureAsk(street, anna, annaTasks);
    note('a walk through every place');
    const walk = await takeWalk(street, anna, annaTasks, control);
    note('reloads without the server');
    const reload = await measureReloads(street, anna, control, entry.placeName);
    return {
      figures: {
        ...sizes.figures,
        ...visits.figures,
        firstRunTaps: entry.taps,
        ...ask,
        ...reload.figures,
        ...walk.figures,
      },
      peers: { budget: sizes.budgets, emptyPage: { ...visits.emptyPage, ...reload.emptyPage, ...walk.emptyPage } },
    };
  } finally {
    await street.close();
  }
};

/** Gzipped, in kB of 1,000 bytes. */
const readSizes = () => {
  const rows = measureSizes();
  const kb = (what: string) => rounded((rows.find((row) => row.what === what)?.bytes ?? Number.NaN) / 1000);
  const routes = rows.filter(({ what }) => what.startsWith('route '));
  return {
    figures: {
      firstLoadGzKb: kb('first load, JavaScript'),
      firstLoadCssGzKb: kb('first load, CSS'),
      nodeWorkerGzKb: kb('node worker'),
      routeGzKb: Object.fromEntries(
        routes.map(({ what, bytes }) => [what.slice('route '.length), rounded(bytes / 1000)]),
      ),
    },
    budgets: {
      firstLoadGzKb: 90,
      firstLoadCssGzKb: 15,
      nodeWorkerGzKb: 110,
      routeGzKb: 40,
      askMs: 1_000,
      firstRunTaps: 3,
      offlineReloadMs: 1_500,
    },
  };
};
