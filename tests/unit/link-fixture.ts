import { isCryptoBusy } from './tracked-crypto.ts';
import type { Link } from '../../src/lib/kernel/ports/links.ts';
import { channels, type Channel } from '../../src/lib/kernel/ports/transport.ts';
import type { Links } from '../../src/lib/kernel/ports/links.ts';

export type FakeLink = Link & {
  /** What was sent over it and not yet carried to the other end. */
  readonly sent: { readonly channel: Channel; readonly frame: Uint8Array }[];
  /** A frame arrives from the other end. */
  hear(channel: Channel, frame: Uint8Array): void;
  closedWith(): string | null;
  /** From now on nothing can be sent, as on a link that is too full, until the returned function is called. */
  block(): () => void;
  /** What waits for the link to drain waits until the returned function is called. */
  fill(): () => void;
  /** The time for a sign of life has come: what rides with it is sent. */
  ping(): void;
};

/** One end of a proven link to `device`; the test is the other end. */
export const createFakeLink = (device: string, person = device): FakeLink => {
  const listeners = new Map(channels.map((channel) => [channel, new Set<(frame: Uint8Array) => void>()]));
  const sent: FakeLink['sent'] = [];
  const riders = new Map<() => readonly Uint8Array[], Channel>();
  let closedWith: string | null = null;
  let isBlocked = false;
  let drained = Promise.resolve();
  return {
    id: `link to ${device}`,
    peer: { device, person, name: 'somebody', build: 'test' },
    kind: 'memory',
    sent,
    send: (channel, frame) => {
      if (closedWith !== null || isBlocked) return false;
      sent.push({ channel, frame: frame.slice() });
      return true;
    },
    drained: () => drained,
    onFrame: (channel, listener) => {
      listeners.get(channel)?.add(listener);
      return () => void listeners.get(channel)?.delete(listener);
    },
    rides: (channel, rider) => {
      const asked = () => rider(16_384);
      riders.set(asked, channel);
      return () => void riders.delete(asked);
    },
    ping: () => {
      for (const [rider, channel] of riders) for (const frame of rider()) sent.push({ channel, frame });
    },
    get isOpen() {
      return closedWith === null;
    },
    close: (reason) => {
      closedWith ??= reason;
    },
    hear: (channel, frame) => listeners.get(channel)?.forEach((listener) => listener(frame)),
    closedWith: () => closedWith,
    block: () => {
      isBlocked = true;
      return () => void (isBlocked = false);
    },
    fill: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      drained = promise;
      return resolve;
    },
  };
};

/** Links as the mesh would keep them, brought up and down by the test. */
export const createFakeLinks = (): Links & { up(link: Link): void; down(link: Link, reason?: string): void } => {
  const standing = new Map<string, Link>();
  const upListeners = new Set<(link: Link) => void>();
  const downListeners = new Set<(link: Link, reason: string) => void>();
  return {
    all: () => [...standing.values()],
    of: (device) => standing.get(device) ?? null,
    onUp: (listener) => {
      upListeners.add(listener);
      return () => void upListeners.delete(listener);
    },
    onDown: (listener) => {
      downListeners.add(listener);
      return () => void downListeners.delete(listener);
    },
    up: (link) => {
      standing.set(link.peer.device, link);
      for (const listener of upListeners) listener(link);
    },
    down: (link, reason = 'lost') => {
      standing.delete(link.peer.device);
      for (const listener of downListeners) listener(link, reason);
    },
  };
};

/** Lets everything that waits on promises (WebCrypto's too) go on, until nothing has moved for so many turns. */
export const settle = async (turns = 20): Promise<void> => {
  for (let turn = 0; turn < turns; turn = isCryptoBusy() ? 0 : turn + 1)
    await new Promise((resolve) => setImmediate(resolve));
};

export const untilTrue = async (what: string, check: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 100_000; turn++) {
    if (check()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`never came true: ${what}`);
};

/** Carries what each end sent to the other, in order, until both are silent. */
export const carry = async (a: FakeLink, b: FakeLink): Promise<void> => {
  for (let quiet = 0; quiet < 5;) {
    const fromA = a.sent.splice(0);
    const fromB = b.sent.splice(0);
    for (const { channel, frame } of fromA) b.hear(channel, frame);
    for (const { channel, frame } of fromB) a.hear(channel, frame);
    quiet = fromA.length + fromB.length === 0 ? quiet + 1 : 0;
    await settle();
  }
};
