/**
 * Keeps what has the keyboard's focus in sight: the browser scrolls to it when it gets the focus, but what is loaded a moment later
 * may push it under the bars. Whoever has scrolled away since is not brought back.
 */
export const keepFocusInSight = (main: HTMLElement): (() => void) => {
  let restsAt = window.scrollY;
  const rest = (): void => void requestAnimationFrame(() => (restsAt = window.scrollY));
  const look = (): void => {
    const focused = document.activeElement;
    const isOurs = focused !== null && focused !== main && main.contains(focused) && focused.matches(':focus-visible');
    if (!isOurs || Math.abs(window.scrollY - restsAt) > 1) return;
    focused.scrollIntoView({ block: 'nearest' });
    restsAt = window.scrollY;
  };
  const sizes = new ResizeObserver(look);
  sizes.observe(main);
  main.addEventListener('focusin', rest);
  return () => {
    sizes.disconnect();
    main.removeEventListener('focusin', rest);
  };
};
