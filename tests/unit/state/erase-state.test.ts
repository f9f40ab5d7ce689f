import { describe, expect, it } from 'vitest';
import { createErasure, wipeBrowser, type WipePlatform } from '../../../src/lib/state/erase.svelte.ts';
import { createScriptedBus } from './scripted-bus.ts';

/** A browser that holds two databases, a folder, a cache, a worker and texts; it notes what was deleted. */
const browser = (deletion: 'success' | 'blocked' | 'error' = 'success') => {
  const deleted: string[] = [];
  const deleteDatabase = (name: string) => {
    const request = new EventTarget();
    queueMicrotask(() => {
      if (deletion === 'success') deleted.push(name);
      request.dispatchEvent(new Event(deletion));
    });
    return request;
  };
  const platform = {
    databases: { databases: async () => [{ name: 'log' }, { name: 'library' }, {}], deleteDatabase },
    files: async () => ({
      keys: async function* () {
        yield* ['blobs', 'models'];
      },
      removeEntry: async (name: string) => void deleted.push(name),
    }),
    caches: { keys: async () => ['app'], delete: async (name: string) => deleted.push(name) > 0 },
    workers: { getRegistrations: async () => [{ unregister: async () => deleted.push('worker') > 0 }] },
    texts: [{ clear: () => void deleted.push('texts') }],
  } as unknown as WipePlatform;
  return { platform, deleted };
};

describe('a page that erases all by itself', () => {
  it('leaves no database, file, cache, worker or text behind', async () => {
    const { platform, deleted } = browser();
    expect(await wipeBrowser(platform)).toMatchObject({ ok: true });
    expect(deleted).toEqual(['log', 'library', 'blobs', 'models', 'app', 'worker', 'texts']);
  });

  it('says so when another tab holds the data, and when the browser refuses', async () => {
    expect(await wipeBrowser(browser('blocked').platform)).toEqual({ ok: false, error: 'held' });
    expect(await wipeBrowser(browser('error').platform)).toEqual({ ok: false, error: 'refused' });
  });
});

describe('erasing', () => {
  const parts = () => {
    const steps: string[] = [];
    return {
      steps,
      done: () => void steps.push('done'),
      wipe: async () => (steps.push('wipe'), { ok: true as const, value: undefined }),
      forget: async () => void steps.push('forget'),
    };
  };

  it('is the work of the node where one runs; the page forgets what only it can reach', async () => {
    const { bus, asked } = createScriptedBus({ 'devices.erase': {} });
    const { steps, ...rest } = parts();
    await createErasure({ bus, ...rest }).erase('erase');
    expect([asked[0]?.input, steps]).toEqual([{ confirm: 'erase' }, ['forget', 'done']]);
  });

  it('is the work of the page where no node runs', async () => {
    const { steps, ...rest } = parts();
    await createErasure({ bus: null, ...rest }).erase('erase');
    expect(steps).toEqual(['wipe', 'done']);
  });

  it('stops at the refusal of the node, with nothing forgotten', async () => {
    const { bus } = createScriptedBus({ 'devices.erase': { refuse: 'bad_request', reason: 'erase-word' } });
    const { steps, ...rest } = parts();
    const erasure = createErasure({ bus, ...rest });
    await erasure.erase('no');
    expect([steps, erasure.failure?.reason, erasure.isBusy]).toEqual([[], 'erase-word', false]);
  });
});
