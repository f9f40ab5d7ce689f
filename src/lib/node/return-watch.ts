import { createStops, type Stop } from '../kernel/lifecycle.ts';

/** Where the signs come from; the page's own, and a test's. */
export type ReturnSigns = {
  readonly document: EventTarget & { readonly visibilityState: DocumentVisibilityState };
  readonly window: EventTarget;
  /** The browser's word on the kind of network; null where it has none. */
  readonly network: EventTarget | null;
};

/**
 * Tells when links may have died unnoticed: the page is seen again, thawed or taken back from the browser's memory, or the network
 * came back or is another one. Several signs of one return come together; each is told, and looking twice costs little.
 */
export const onReturn = (listener: () => void, signs: ReturnSigns = pageSigns()): Stop => {
  const { document, window, network } = signs;
  const stops = createStops();
  const on = (target: EventTarget, type: string, run: () => void): void => {
    target.addEventListener(type, run);
    stops.add(() => target.removeEventListener(type, run));
  };
  on(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') listener();
  });
  on(document, 'resume', listener);
  on(window, 'pageshow', listener);
  on(window, 'online', listener);
  if (network) on(network, 'change', listener);
  return stops.run;
};

const pageSigns = (): ReturnSigns => {
  const network: unknown = 'connection' in navigator ? navigator.connection : null;
  return { document, window: globalThis, network: network instanceof EventTarget ? network : null };
};
