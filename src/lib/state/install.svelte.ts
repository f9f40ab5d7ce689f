/** What browsers built on Chromium hand over when a page may be installed; in no standard library of types. */
type InstallPrompt = Event & {
  prompt(): Promise<unknown>;
  readonly userChoice: Promise<{ readonly outcome: 'accepted' | 'dismissed' }>;
};

const isInstallPrompt = (event: Event): event is InstallPrompt => 'prompt' in event && 'userChoice' in event;

/** installed: it runs as an app; offered: one tap installs; by-hand: iPhone and iPad, over the share menu; none: the browser offers nothing now. */
export type InstallState = 'installed' | 'offered' | 'by-hand' | 'none';

/** Keeps the browser's offer to install until the person asks for it; never asks by itself. */
export const createInstall = (window: Window & typeof globalThis = globalThis.window) => {
  let offer = $state.raw<InstallPrompt | null>(null);
  let isInstalled = $state(window.matchMedia('(display-mode: standalone)').matches);
  const isApple = /iPad|iPhone|iPod/.test(window.navigator.userAgent);

  const offered = (event: Event): void => {
    if (!isInstallPrompt(event)) return;
    event.preventDefault();
    offer = event;
  };
  const installed = (): void => {
    offer = null;
    isInstalled = true;
  };
  window.addEventListener('beforeinstallprompt', offered);
  window.addEventListener('appinstalled', installed);

  return {
    get state(): InstallState {
      if (isInstalled) return 'installed';
      if (offer) return 'offered';
      return isApple ? 'by-hand' : 'none';
    },
    /** Shows the browser's own question. An offer works once. */
    ask: async (): Promise<void> => {
      const current = offer;
      offer = null;
      await current?.prompt();
    },
    stop: () => {
      window.removeEventListener('beforeinstallprompt', offered);
      window.removeEventListener('appinstalled', installed);
    },
  };
};
export type Install = ReturnType<typeof createInstall>;
