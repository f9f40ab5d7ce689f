/** auto follows the device; the other two stay whatever the device says. */
export type Theme = 'auto' | 'light' | 'dark';
export const themes: readonly Theme[] = ['auto', 'light', 'dark'];
const isTheme = (value: unknown): value is Theme => themes.some((theme) => theme === value);

const storageKey = 'hearthnet.theme';

/** Light or dark. `static/theme.js` reads the same key before the first paint. */
export const createLook = (root: HTMLElement = document.documentElement) => {
  const shown = root.dataset.theme;
  let theme = $state<Theme>(isTheme(shown) ? shown : 'auto');
  return {
    get theme() {
      return theme;
    },
    choose: (next: Theme): void => {
      theme = next;
      if (next === 'auto') delete root.dataset.theme;
      else root.dataset.theme = next;
      remember(next);
    },
  };
};

/** False when the browser keeps nothing: the choice then ends with this visit. */
const remember = (theme: Theme): boolean => {
  try {
    localStorage.setItem(storageKey, theme);
    return true;
  } catch {
    return false;
  }
};
