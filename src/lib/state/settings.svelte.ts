import { nodeConfigure, nodeSelfTest } from '../contracts/node.ts';
import type { Failure } from '../kernel/errors.ts';
import type { App } from './app.svelte.ts';
import { pageClock } from './page-clock.ts';
import { checkSignal, parseSignalUrl, type SignalCheck } from './signal-check.ts';

type Step = { readonly name: string; readonly ok: boolean; readonly ms: number; readonly detail: string };

/** What a person may change of their own node, and what it says about itself. Each act keeps its own failure. */
export const createSettings = (app: App) => ({
  name: createNameForm(app),
  signal: createSignalForm(app),
  privacy: createPrivacy(app),
  selfTest: createSelfTest(app),
});
export type Settings = ReturnType<typeof createSettings>;

const createNameForm = (app: App) => {
  let typed = $state<string | null>(null);
  let isBusy = $state(false);
  let failure = $state.raw<Failure | null>(null);
  const value = $derived(typed ?? app.info.value?.name ?? '');
  return {
    get value() {
      return value;
    },
    set value(next: string) {
      typed = next;
    },
    get isChanged() {
      return value.trim() !== '' && value.trim() !== app.info.value?.name;
    },
    get isBusy() {
      return isBusy;
    },
    get failure() {
      return failure;
    },
    save: async (): Promise<boolean> => {
      isBusy = true;
      const reply = await app.bus.call(nodeConfigure, { name: value.trim() });
      isBusy = false;
      failure = reply.ok ? null : reply.error;
      if (reply.ok) typed = null;
      return reply.ok;
    },
  };
};

const createSignalForm = (app: App) => {
  let typed = $state<string | null>(null);
  let busy = $state<'check' | 'save' | null>(null);
  let check = $state.raw<SignalCheck | null>(null);
  let failure = $state.raw<Failure | null>(null);
  const value = $derived(typed ?? app.info.value?.signalUrl ?? '');

  const configure = async (signalUrl: string): Promise<boolean> => {
    busy = 'save';
    const reply = await app.bus.call(nodeConfigure, { signalUrl });
    busy = null;
    failure = reply.ok ? null : reply.error;
    if (reply.ok) typed = null;
    return reply.ok;
  };

  return {
    get value() {
      return value;
    },
    set value(next: string) {
      typed = next;
      check = null;
    },
    get busy() {
      return busy;
    },
    get check() {
      return check;
    },
    get failure() {
      return failure;
    },
    get isChanged() {
      return value.trim() !== app.info.value?.signalUrl;
    },
    get isDefault() {
      return app.info.value?.signalUrl === app.info.value?.defaultSignalUrl;
    },
    test: async (): Promise<void> => {
      busy = 'check';
      check = await checkSignal(value, {
        clock: pageClock,
        pageProtocol: location.protocol,
        open: (url) => new WebSocket(url),
      });
      busy = null;
    },
    /** Applies at once; an address that cannot be one is not sent. */
    save: async (): Promise<boolean> => {
      const url = parseSignalUrl(value);
      check = url ? null : { ok: false, problem: 'bad-address' };
      return url ? configure(url.href) : false;
    },
    reset: (): Promise<boolean> => {
      check = null;
      return configure('');
    },
  };
};

const createPrivacy = (app: App) => ({
  /** Holds from the answer on, for links that stand too; null when it is done. */
  hide: async (hidesAddress: boolean): Promise<Failure | null> => {
    const reply = await app.bus.call(nodeConfigure, { hidesAddress });
    return reply.ok ? null : reply.error;
  },
});

const createSelfTest = (app: App) => {
  let isRunning = $state(false);
  let steps = $state.raw<readonly Step[] | null>(null);
  let failure = $state.raw<Failure | null>(null);
  return {
    get isRunning() {
      return isRunning;
    },
    /** null before the first run; what the node found out in the last one. */
    get steps() {
      return steps;
    },
    get failure() {
      return failure;
    },
    run: async (): Promise<void> => {
      isRunning = true;
      steps = null;
      failure = null;
      const reply = await app.bus.call(nodeSelfTest, {});
      isRunning = false;
      if (reply.ok) steps = reply.value.output.steps;
      else failure = reply.error;
    },
  };
};
