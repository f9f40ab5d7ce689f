import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createStreet } from '../support/window-street.ts';
import { echo, post, settled, slow } from '../support/window-world.ts';

let street: ReturnType<typeof createStreet>;
const enter = () => (street = createStreet());
afterEach(() => street.closeAll());

describe('a window without a node', () => {
  it('gives up after the deadline when no node ever came, and says that nothing was asked', async () => {
    const { openWindow, advance } = enter();
    const { client } = openWindow('anna');
    const reply = client.call(post, { text: 'x' });
    await settled();
    await advance(limits.callTimeoutMs + limits.nodeAnswerGraceMs);
    expect(await reply).toMatchObject({ ok: false, error: { code: 'unavailable', reason: 'no-node' } });
  });

  it('gives up when its node fell silent: timeout for a question, unknown_outcome for a deed', async () => {
    const { startNode, openWindow, advance } = enter();
    const node = startNode('node-a', 1);
    const { client } = openWindow('anna');
    const [question, deed] = [client.call(slow, {}), client.call(post, { text: 'x' })];
    await settled();
    node.vanish();
    await advance(limits.callTimeoutMs + limits.nodeAnswerGraceMs);
    expect(await question).toMatchObject({ ok: false, error: { code: 'timeout', reason: 'no-answer' } });
    expect(await deed).toMatchObject({ ok: false, error: { code: 'unknown_outcome', reason: 'no-answer' } });
  });

  it('answers what is open when it is closed, and refuses what comes later', async () => {
    const { openWindow } = enter();
    const { client } = openWindow('anna');
    const reply = client.call(echo, { text: 'x' });
    await settled();
    client.close();
    client.close();
    expect(await reply).toMatchObject({ ok: false, error: { reason: 'window-closed' } });
    expect(await client.call(echo, { text: 'y' })).toMatchObject({ ok: false, error: { reason: 'window-closed' } });
  });
});
