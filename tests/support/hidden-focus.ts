import type { Page } from '@playwright/test';

/** The beginning of the element in `main` that has the focus while something else lies over it; null where it can be seen. */
export const hiddenFocus = (page: Page): Promise<string | null> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!element?.closest('main')) return null;
    const { left, top, width, height } = element.getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + Math.min(height / 2, 20));
    return there && (element.contains(there) || there.contains(element)) ? null : element.outerHTML.slice(0, 120);
  });
