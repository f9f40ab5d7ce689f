import type { Page } from '@playwright/test';

/** What a page of the built app is given to speak with its node: the same words that the app's own windows use. */
export type PageBus = {
  /** One call of a capability like `blobs.list@1.0`; items go to `onItem`, which may end the call by returning true. */
  call(
    capability: string,
    input: unknown,
    onItem?: (item: never) => boolean | void,
    options?: PageCallOptions,
  ): Promise<unknown>;
  /** So many bytes that are not all the same, put in as a file; resolves with the cid. */
  putBytes(seed: number, size: number): Promise<string>;
  /** Whether the node gives out exactly those bytes for this cid. */
  hasBytes(cid: string, seed: number, size: number): Promise<boolean>;
  /** Resolves with the first progress that has so many chunks, or is complete. */
  fetchUntil(cid: string, chunks: number): Promise<PageProgress>;
};
export type PageCallOptions = { readonly params?: Readonly<Record<string, string>>; readonly session?: string };
export type PageProgress = {
  readonly state: string;
  readonly have: number;
  readonly total: number;
  readonly from: readonly { readonly device: string; readonly chunks: number }[];
};

declare global {
  var pageBus: PageBus;
}

/** From its next navigation on, the page has `pageBus`. There is no screen for blobs yet, and the app has no door for tests. */
export const givePageBus = (page: Page): Promise<unknown> => page.addInitScript(install);

/** Runs in the page and stands alone: nothing of this file reaches there but its text. */
const install = (): void => {
  type Message = { type: string; window?: string; node?: string; id?: number; value?: never; reply?: unknown };

  const call: PageBus['call'] = (capability, input, onItem = () => false, options = {}) =>
    new Promise((resolve, reject) => {
      const channel = new BroadcastChannel('hearthnet:windows');
      const name = crypto.randomUUID();
      let node: string | null = null;
      const post = (message: object): void => channel.postMessage(message);
      const end = (reply: unknown): void => {
        post({ type: 'bye', window: name });
        channel.close();
        resolve(reply);
      };
      channel.addEventListener('message', ({ data }: MessageEvent<Message>): void => {
        if (data.type === 'beat' && node === null) {
          node = data.node ?? '';
          post({ type: 'call', window: name, node, id: 1, capability, input, options, credit: 8 });
        }
        if (data.window !== name) return;
        if (data.type === 'gone') reject(new Error('the node let this window go'));
        if (data.type === 'done') end(data.reply);
        if (data.type !== 'item') return;
        if (onItem(data.value as never) === true) return end(data.value);
        post({ type: 'credit', window: name, node, id: 1, items: 1 });
      });
      post({ type: 'hello', window: name, build: 'test' });
    });

  const bytesOf = (seed: number, size: number): Uint8Array<ArrayBuffer> => {
    const words = new Uint32Array(Math.ceil(size / 4));
    let state = seed | 1;
    for (let at = 0; at < words.length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[at] = state >>> 0;
    }
    return new Uint8Array(words.buffer, 0, size);
  };

  globalThis.pageBus = {
    call,
    putBytes: async (seed, size) => {
      const data = new Blob([bytesOf(seed, size)], { type: 'application/octet-stream' });
      const input = { data, mediaType: '', isShared: true, isSealed: false, isPinned: true };
      const reply = (await call('blobs.put@1.0', input)) as { ok: boolean; value?: { output: { cid: string } } };
      if (!reply.value) throw new Error(JSON.stringify(reply));
      return reply.value.output.cid;
    },
    hasBytes: async (cid, seed, size) => {
      const wanted = bytesOf(seed, size);
      let at = 0;
      let isSame = true;
      const reply = (await call('blobs.read@1.0', { cid }, ({ bytes }: { bytes: Uint8Array }) => {
        for (let i = 0; i < bytes.length; i++) if (bytes[i] !== wanted[at + i]) isSame = false;
        at += bytes.length;
      })) as { ok: boolean };
      return reply.ok && isSame && at === size;
    },
    fetchUntil: async (cid, chunks) => {
      let last: PageProgress | null = null;
      await call('blobs.fetch@1.0', { cid, isPinned: true }, (progress: PageProgress) => {
        last = progress;
        return progress.total > 0 && progress.have >= chunks;
      });
      if (!last) throw new Error('no progress at all');
      return last;
    },
  };
};
