/**
 * The service worker of this app and its updates. A new version waits until the person says so (or until no tab is open);
 * then every tab reloads once, so that no page of the old version looks for files of the new one.
 */
export const createUpdate = (
  container: ServiceWorkerContainer | undefined,
  reload: () => void,
  document: Document = globalThis.document,
) => {
  let waiting = $state.raw<ServiceWorker | null>(null);
  let registration: ServiceWorkerRegistration | null = null;
  // The first worker takes over pages that had none: that is no update, and nothing reloads.
  let hadController = Boolean(container?.controller);
  let isReloading = false;

  const controllerChanged = (): void => {
    if (hadController && !isReloading) {
      isReloading = true;
      reload();
    }
    hadController = true;
  };

  const notice = (worker: ServiceWorker | null): void => {
    if (worker?.state === 'installed' && container?.controller) waiting = worker;
  };

  const look = (): void => {
    // Without a network there is nothing to find; the next visit looks again.
    if (document.visibilityState === 'visible') registration?.update().catch(() => undefined);
  };

  return {
    /** True while a new version waits for the person's word. */
    get isReady() {
      return waiting !== null;
    },
    apply: (): void => waiting?.postMessage('SKIP_WAITING'),
    start: async (url: string, type: WorkerType): Promise<void> => {
      if (!container) return;
      container.addEventListener('controllerchange', controllerChanged);
      document.addEventListener('visibilitychange', look);
      const found = await container.register(url, { type, updateViaCache: 'none' });
      registration = found;
      notice(found.waiting);
      found.addEventListener('updatefound', () => {
        const installing = found.installing;
        installing?.addEventListener('statechange', () => notice(installing));
      });
    },
    stop: (): void => {
      container?.removeEventListener('controllerchange', controllerChanged);
      document.removeEventListener('visibilitychange', look);
    },
  };
};
export type Update = ReturnType<typeof createUpdate>;
