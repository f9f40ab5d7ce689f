import { describe, expect, it } from 'vitest';
import { onReturn } from '../../src/lib/node/return-watch.ts';

const createSigns = () => {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' as DocumentVisibilityState });
  return { document, window: new EventTarget(), network: new EventTarget() };
};

describe("a page's return", () => {
  it('is told when anna looks again, when the page thaws or comes back, and when the network does or is another one', () => {
    const signs = createSigns();
    const told: string[] = [];
    let sign = '';
    onReturn(() => void told.push(sign), signs);
    const all = [
      [signs.document, 'visibilitychange'],
      [signs.document, 'resume'],
      [signs.window, 'pageshow'],
      [signs.window, 'online'],
      [signs.network, 'change'],
    ] as const;
    for (const [target, type] of all) {
      sign = type;
      target.dispatchEvent(new Event(type));
    }
    expect(told).toEqual(all.map(([, type]) => type));
  });

  it('is not told when she looks away, nor after it was stopped, and needs no word on the network', () => {
    const signs = createSigns();
    let told = 0;
    const stop = onReturn(() => (told += 1), { ...signs, network: null });
    signs.document.visibilityState = 'hidden';
    signs.document.dispatchEvent(new Event('visibilitychange'));
    signs.window.dispatchEvent(new Event('offline'));
    expect(told).toBe(0);
    stop();
    signs.window.dispatchEvent(new Event('online'));
    expect(told).toBe(0);
  });
});
