import { describe, expect, it } from 'vitest';
import { failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { sendOwnItems } from '../../src/lib/kernel/bus/own-items.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createCredit } from '../../src/lib/kernel/bus/stream-credit.ts';
import { carry } from './link-fixture.ts';
import { createRpcHouse, gather, gatherOffer } from './rpc-fixture.ts';

const hello = { text: 'hello' };
/** Anna calls bora, whose handler takes a stream. */
const gatherers = () => {
  const gathering = gather();
  const [anna, bora] = [
    createRpcHouse('anna', [gathering], { bora: 'member' }),
    createRpcHouse('bora', [gathering], { anna: 'member' }),
  ];
  const [toBora, toAnna] = [anna.linkTo('bora'), bora.linkTo('anna')];
  anna.bus.registry.setRemote('bora', [gatherOffer()], anna.clock.now());
  return { gathering, anna, bora, carry: () => carry(toBora, toAnna) };
};

describe('the stream of a caller', () => {
  const numbers = async function* (most: number, over: { isOver: boolean } = { isOver: false }) {
    try {
      for (let n = 0; n < most; n++) yield { n };
    } finally {
      over.isOver = true;
    }
  };

  it('reaches the handler in order, as fast as it reads, and its end too', async () => {
    const { anna, bora, gathering, carry } = gatherers();
    bora.bus.register(gathering, async (_input, { items }) => {
      let text = '';
      for await (const { n } of items) text += `${n} `;
      return ok({ text });
    });
    const reply = anna.bus.call(gathering, hello, { items: numbers(100) });
    await carry();
    const text = Array.from({ length: 100 }, (_, n) => `${n} `).join('');
    expect(await reply).toMatchObject({ value: { output: { text } } });
  });

  it('goes both ways at once: each item of the caller is answered by one of the handler', async () => {
    const { anna, bora, gathering, carry } = gatherers();
    bora.bus.register(gathering, async function* (_input, { items }) {
      for await (const { n } of items) yield { text: `${n}?` };
      return ok({ text: 'all' });
    });
    const heard: string[] = [];
    const reading = (async () => {
      const stream = anna.bus.stream(gathering, hello, { items: numbers(70) });
      let step = await stream.next();
      for (; !step.done; step = await stream.next()) heard.push(step.value.text);
      return step.value;
    })();
    await carry();
    expect(await reading).toMatchObject({ value: { output: { text: 'all' } } });
    expect(heard).toEqual(Array.from({ length: 70 }, (_, n) => `${n}?`));
  });

  it('waits while the handler does not read, and is ended when the handler has had enough', async () => {
    const { anna, bora, gathering, carry } = gatherers();
    let goOn = (): void => {};
    bora.bus.register(gathering, async (_input, { items }) => {
      for await (const { n } of items) if (n === 2) break;
      await new Promise<void>((resolve) => (goOn = resolve));
      return ok({ text: 'enough' });
    });
    const over = { isOver: false };
    let made = 0;
    const counted = async function* () {
      for await (const item of numbers(1_000, over)) {
        made += 1;
        yield item;
      }
    };
    const reply = anna.bus.call(gathering, hello, { items: counted() });
    await carry();
    expect([made, over.isOver]).toEqual([limits.streamCreditItems, false]);
    goOn();
    await carry();
    expect(await reply).toMatchObject({ value: { output: { text: 'enough' } } });
    expect(over.isOver).toBe(true);
  });

  it('that breaks, or brings what cannot travel, ends the call on both sides', async () => {
    const { anna, bora, gathering, carry } = gatherers();
    let ended = 0;
    let goOn = (): void => {};
    bora.bus.register(gathering, async (_input, { items, signal }) => {
      signal.addEventListener('abort', () => (ended += 1));
      for await (const _ of items) goOn();
      return ok({ text: 'never' });
    });
    const begun = async function* () {
      const { promise, resolve } = Promise.withResolvers<void>();
      goOn = resolve;
      yield { n: 1 };
      await promise;
    };
    const broken = async function* () {
      yield* begun();
      throw new Error('the camera is gone');
    };
    let isOver = false;
    const fraction = async function* () {
      try {
        yield* begun();
        yield { n: 0.5 };
      } finally {
        isOver = true;
      }
    };
    for (const items of [broken(), fraction()]) {
      const reply = anna.bus.call(gathering, hello, { items });
      await carry();
      expect(await reply).toMatchObject({ ok: false, error: { code: expect.stringMatching(/bad_request|internal/) } });
    }
    expect([ended, anna.rpc.inFlight(), bora.rpc.inFlight(), isOver]).toEqual([2, 0, 0, true]);
  });

  it('is told to end by whoever sends it, when an item cannot go and when the call is over', async () => {
    const over = new AbortController();
    const refusal = failure('too_large', 'item');
    for (const answer of [refusal, null]) {
      const told = { isOver: false };
      const sending = sendOwnItems(numbers(1_000, told), createCredit(1), over.signal, {
        item: () => {
          if (answer === null) over.abort();
          return answer;
        },
        end: () => {},
      });
      expect([await sending, told.isOver]).toEqual([answer, true]);
    }
  });
});
