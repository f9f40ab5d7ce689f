/** What a page has opened of its browser and not closed yet. */
export type PlatformCounts = {
  readonly workers: number;
  readonly broadcastChannels: number;
  readonly ports: number;
  readonly timers: number;
  readonly listeners: number;
};

/**
 * From now on counts what is opened in this page: workers, channels, ends of message channels that were not given to a worker, timers that
 * wait, and listeners on the window and the document. `stop` puts everything back. A test's own waiting must not go through it.
 */
export const watchPlatform = () => {
  const scope = globalThis as unknown as Record<string, unknown>;
  const before = { Worker, BroadcastChannel, MessageChannel, setTimeout, clearTimeout, setInterval, clearInterval };
  // The browser's own verbs want the window they belong to.
  const timing = {
    setTimeout: setTimeout.bind(globalThis),
    clearTimeout: clearTimeout.bind(globalThis),
    setInterval: setInterval.bind(globalThis),
    clearInterval: clearInterval.bind(globalThis),
  };
  const workers = new Set<object>();
  const channels = new Set<object>();
  const ports = new Set<object>();
  const timers = new Set<unknown>();
  const listeners = new Set<string>();
  const unwatch: (() => void)[] = [];
  scope['Worker'] = class extends before.Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      workers.add(this);
    }
    // A port that is given to the worker is its to close.
    override postMessage(message: unknown, options?: Transferable[] | StructuredSerializeOptions): void {
      for (const given of Array.isArray(options) ? options : (options?.transfer ?? [])) ports.delete(given as object);
      super.postMessage(message, options as Transferable[]);
    }
    override terminate(): void {
      workers.delete(this);
      super.terminate();
    }
  };
  scope['BroadcastChannel'] = class extends before.BroadcastChannel {
    constructor(name: string) {
      super(name);
      channels.add(this);
    }
    override close(): void {
      channels.delete(this);
      super.close();
    }
  };
  const closePort = MessagePort.prototype.close;
  MessagePort.prototype.close = function (this: MessagePort) {
    ports.delete(this);
    closePort.call(this);
  };
  scope['MessageChannel'] = class extends before.MessageChannel {
    constructor() {
      super();
      ports.add(this.port1);
      ports.add(this.port2);
    }
  };
  scope['setTimeout'] = (run: () => void, ms?: number) => {
    const timer: unknown = timing.setTimeout(() => (timers.delete(timer), run()), ms);
    timers.add(timer);
    return timer;
  };
  scope['clearTimeout'] = (timer: number) => (timers.delete(timer), timing.clearTimeout(timer));
  scope['setInterval'] = (run: () => void, ms?: number) => {
    const timer: unknown = timing.setInterval(run, ms);
    timers.add(timer);
    return timer;
  };
  scope['clearInterval'] = (timer: number) => (timers.delete(timer), timing.clearInterval(timer));
  for (const [name, target] of Object.entries({
    window: globalThis as EventTarget,
    document: document as EventTarget,
  })) {
    const { addEventListener, removeEventListener } = target;
    const ids = new WeakMap<object, number>();
    let next = 0;
    const key = (type: string, listener: object): string => {
      const id = ids.get(listener) ?? (next += 1);
      ids.set(listener, id);
      return `${name} ${type} ${id}`;
    };
    target.addEventListener = (type: string, listener: EventListener, options?: AddEventListenerOptions | boolean) => {
      listeners.add(key(type, listener));
      addEventListener.call(target, type, listener, options);
    };
    target.removeEventListener = (type: string, listener: EventListener, options?: EventListenerOptions | boolean) => {
      listeners.delete(key(type, listener));
      removeEventListener.call(target, type, listener, options);
    };
    unwatch.push(() => Object.assign(target, { addEventListener, removeEventListener }));
  }
  return {
    counts: (): PlatformCounts => ({
      workers: workers.size,
      broadcastChannels: channels.size,
      ports: ports.size,
      timers: timers.size,
      listeners: listeners.size,
    }),
    /** Waits by a timer that is not counted. */
    pause: (ms: number): Promise<void> => new Promise((resolve) => void timing.setTimeout(resolve, ms)),
    stop: (): void => {
      Object.assign(scope, before);
      MessagePort.prototype.close = closePort;
      for (const undo of unwatch) undo();
    },
  };
};
