import { describe, expect, it } from 'vitest';
import type { NodeInfo } from '../../../src/lib/contracts/node.ts';
import { createBattery } from '../../../src/lib/state/battery.svelte.ts';

type Charge = NodeInfo['giving']['battery'];

/** Anna's page with a battery, or with none that it may see; `node` is what the node believes, null before it has said anything. */
const annasPage = async (level: number | 'hidden' | 'absent', takes = true) => {
  const browser = Object.assign(new EventTarget(), { level: typeof level === 'number' ? level : 1, charging: false });
  const node: { info: { giving: { battery: Charge } } | null } = { info: null };
  const reports: Charge[] = [];
  const battery = createBattery({
    info: () => node.info as NodeInfo | null,
    report: (change) => {
      reports.push(change.battery ?? null);
      if (takes && node.info) node.info = { giving: { battery: change.battery ?? null } };
      battery.note();
    },
    source:
      level === 'absent'
        ? {}
        : {
            getBattery: () =>
              level === 'hidden' ? Promise.reject(new DOMException('no', 'NotAllowedError')) : Promise.resolve(browser),
          },
  });
  await Promise.resolve();
  await Promise.resolve();
  const become = (percent: number, charging: boolean): void => {
    Object.assign(browser, { level: percent / 100, charging });
    browser.dispatchEvent(new Event('levelchange'));
  };
  const start = (): void => {
    node.info = { giving: { battery: null } };
    battery.note();
  };
  return { battery, node, reports, become, start };
};

describe('the battery of a page', () => {
  it('is told to the node when it has started, at each change, and not twice', async () => {
    const { reports, become, start, battery } = await annasPage(0.64);
    expect(reports).toEqual([]);
    start();
    battery.note();
    become(63, false);
    become(63, false);
    become(63, true);
    expect(reports).toEqual([
      { percent: 64, charging: false },
      { percent: 63, charging: false },
      { percent: 63, charging: true },
    ]);
  });

  it('is told again to a node that has started anew and forgot', async () => {
    const { reports, start } = await annasPage(0.5);
    start();
    start();
    expect(reports).toEqual([
      { percent: 50, charging: false },
      { percent: 50, charging: false },
    ]);
  });

  it('is told once to a node that does not take it: no circle of asking', async () => {
    const { reports, start, battery } = await annasPage(0.5, false);
    start();
    battery.note();
    battery.note();
    expect(reports).toHaveLength(1);
  });

  it('stays unknown where the browser has none or does not let pages look, and after the page has left', async () => {
    for (const kind of ['absent', 'hidden'] as const) {
      const { reports, start } = await annasPage(kind);
      start();
      expect([kind, reports]).toEqual([kind, []]);
    }
    const { reports, start, become, battery } = await annasPage(0.4);
    start();
    battery.stop();
    become(3, false);
    expect(reports).toHaveLength(1);
  });
});
