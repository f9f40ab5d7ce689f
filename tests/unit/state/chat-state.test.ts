import { describe, expect, it } from 'vitest';
import type { BusClient } from '../../../src/lib/kernel/bus/bus-client.ts';
import { failure } from '../../../src/lib/kernel/errors.ts';
import { err, ok } from '../../../src/lib/kernel/result.ts';
import { createChatState } from '../../../src/lib/state/chat.svelte.ts';
import type { TextStore } from '../../../src/lib/state/kept-text.svelte.ts';

const memoryStore = (): TextStore => {
  const texts = new Map<string, string>();
  return {
    read: (key) => texts.get(key) ?? null,
    write: (key, text) => (text === '' ? texts.delete(key) : texts.set(key, text)),
  };
};

/** A node that refuses the first sends and notes what it was asked to send. */
const fakeBus = (refusals: number) => {
  const sent: { text: string; clientId: string }[] = [];
  const bus = {
    call: async (_capability: unknown, input: { text: string; clientId: string }) => {
      sent.push({ text: input.text, clientId: input.clientId });
      return sent.length <= refusals
        ? err(failure('quota_full', 'disk'))
        : ok({ output: { eventId: 'e', state: 'waiting' }, meta: { servedBy: 'anna', route: 'local', ms: 1 } });
    },
  } as unknown as BusClient;
  return { bus, sent };
};

let turn = 0;
const random = { bytes: (length: number) => new Uint8Array(length).fill(++turn) };
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('what anna writes', () => {
  it('is the same message when she sends it a second time after a refusal', async () => {
    const { bus, sent } = fakeBus(1);
    const chat = createChatState({ bus, store: memoryStore(), random });
    chat.write('Hello');
    expect(chat.send()).toBe(true);
    await settled();
    expect(chat.unsent[0]?.failure?.code).toBe('quota_full');
    const refused = chat.unsent[0];
    if (refused) chat.retry(refused);
    await settled();
    expect(chat.unsent).toEqual([]);
    expect(sent[0]?.clientId).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(sent[1]).toEqual(sent[0]);
  });

  it('survives a reload as a draft, with the id it had', async () => {
    const store = memoryStore();
    const before = createChatState({ bus: fakeBus(0).bus, store, random });
    before.write('Half a sen');
    const { bus, sent } = fakeBus(0);
    const after = createChatState({ bus, store, random });
    expect(after.draft).toBe('Half a sen');
    const idAtStart = store.read('hearthnet.chat.draftId');
    after.send();
    await settled();
    expect(sent[0]).toEqual({ text: 'Half a sen', clientId: idAtStart });
  });

  it('survives a reload when its send was refused', async () => {
    const store = memoryStore();
    const before = createChatState({ bus: fakeBus(9).bus, store, random });
    before.write('Not lost');
    before.send();
    await settled();
    const after = createChatState({ bus: fakeBus(0).bus, store, random });
    expect(after.unsent.map(({ text }) => text)).toEqual(['Not lost']);
    after.discard(after.unsent[0]?.clientId ?? '');
    expect(createChatState({ bus: fakeBus(0).bus, store, random }).unsent).toEqual([]);
  });

  it('is not sent empty or above the bound of a message', () => {
    const { bus, sent } = fakeBus(0);
    const chat = createChatState({ bus, store: memoryStore(), random });
    chat.write('   ');
    expect(chat.send()).toBe(false);
    chat.write('ä'.repeat(2_049));
    expect(chat.bytesOver).toBe(2);
    expect(chat.send()).toBe(false);
    expect(sent).toEqual([]);
  });

  it('is not lost to a store that holds nonsense', () => {
    const store = memoryStore();
    store.write('hearthnet.chat.unsent', '{"no":[');
    expect(createChatState({ bus: fakeBus(0).bus, store, random }).unsent).toEqual([]);
    store.write('hearthnet.chat.unsent', '[1,null,{"clientId":1,"text":"x","at":0}]');
    expect(createChatState({ bus: fakeBus(0).bus, store, random }).unsent).toEqual([]);
  });
});
