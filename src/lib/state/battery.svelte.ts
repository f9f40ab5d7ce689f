import type { NodeChange, NodeInfo } from '../contracts/node.ts';

type Charge = NonNullable<NodeInfo['giving']['battery']>;
/** The part of the Battery Status API (Chromium) that is used; `level` is 0 to 1. */
type BrowserBattery = EventTarget & { readonly level: number; readonly charging: boolean };
type BatterySource = { getBattery?: () => Promise<BrowserBattery> };

type BatteryDeps = {
  /** What the node says of itself; null until it has. */
  readonly info: () => NodeInfo | null;
  readonly report: (change: Pick<NodeChange, 'battery'>) => unknown;
  readonly source?: BatterySource;
};

/**
 * The battery of this device, told to the node, which lives in a worker and cannot look: now, at every change, and again when the
 * node has started anew and forgot. A browser that does not tell leaves it unknown.
 */
export const createBattery = ({ info, report, source = navigator as BatterySource }: BatteryDeps) => {
  let charge = $state.raw<Charge | null>(null);
  const leaving = new AbortController();

  const follow = async (): Promise<void> => {
    try {
      const battery = await source.getBattery?.();
      if (!battery || leaving.signal.aborted) return;
      const read = (): void => {
        charge = { percent: Math.round(battery.level * 100), charging: battery.charging };
        note();
      };
      for (const event of ['levelchange', 'chargingchange'])
        battery.addEventListener(event, read, { signal: leaving.signal });
      read();
    } catch {
      charge = null; // the browser has it and does not let pages look
    }
  };

  /** What was told last, and what the node believed then: one that does not take it is not told again and again. */
  let told = '';
  const note = (): void => {
    const known = info()?.giving.battery;
    if (!charge || known === undefined) return;
    const isKnown = known?.percent === charge.percent && known.charging === charge.charging;
    const news = isKnown ? '' : JSON.stringify([known, charge]);
    if (news === told) return;
    told = news;
    if (!isKnown) report({ battery: charge });
  };
  const stop = $effect.root(() => {
    $effect(note);
  });
  void follow();

  return {
    /** Looks whether the node knows; called by itself at every change. */
    note,
    stop: (): void => {
      leaving.abort();
      stop();
    },
  };
};
