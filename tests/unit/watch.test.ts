import { describe, expect, it } from 'vitest';
import { createSignal, watch } from '../../src/lib/kernel/watch.ts';
import { settle } from './link-fixture.ts';

describe('a watched view', () => {
  const view = () => {
    const changed = createSignal();
    const control = new AbortController();
    let value = 0;
    const change = (next: number): void => {
      value = next;
      changed.tell();
    };
    return { change, control, snapshots: watch(() => value, changed.on, control.signal), changed };
  };

  it('gives a snapshot now and one after each change', async () => {
    const { change, snapshots } = view();
    expect(await snapshots.next()).toEqual({ done: false, value: 0 });
    const next = snapshots.next();
    await settle(2);
    change(5);
    expect(await next).toEqual({ done: false, value: 5 });
  });

  it('folds the changes a slow reader missed into one, and the last snapshot is never an old one', async () => {
    const { change, snapshots } = view();
    await snapshots.next();
    for (const next of [1, 2, 3]) change(next);
    expect((await snapshots.next()).value).toBe(3);
    const waiting = snapshots.next();
    await settle();
    change(4);
    expect((await waiting).value).toBe(4);
  });

  it('ends when the reader leaves, and listens no more', async () => {
    const { control, snapshots, changed } = view();
    await snapshots.next();
    const last = snapshots.next();
    control.abort();
    expect(await last).toEqual({ done: true, value: 0 });
    changed.tell();
    expect(await snapshots.next()).toEqual({ done: true, value: undefined });
  });
});
