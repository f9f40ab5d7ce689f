import { object, string } from 'valibot';
import { describe, expect, it } from 'vitest';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createGate, createTestBus, echo, never } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const hello = { text: 'hello' };
const member = { bora: 'member' } as const;

describe('a deadline', () => {
  /** After how many milliseconds the call ends; null when it has not after ten seconds. */
  const endsAfter = async (timeoutMs: number, deadlineMs: number | undefined, from: 'self' | 'bora') => {
    const { bus, serveFrom, clock } = createTestBus(member);
    const capability = echo({ timeoutMs });
    bus.register(capability, never);
    const options = deadlineMs === undefined ? {} : { deadlineMs };
    let outcome: unknown = null;
    const reply = from === 'self' ? bus.call(capability, hello, options) : serveFrom(from, capability, hello, options);
    void reply.then((each) => (outcome = each));
    await settle();
    for (let ms = 0; ms < 10_000; ms += 100) {
      if (outcome) {
        expect(outcome).toMatchObject({ error: { code: 'timeout', reason: 'deadline' } });
        return ms;
      }
      clock.advance(100);
      await settle(2);
    }
    return null;
  };

  it("is the capability's or the caller's, whichever comes first, for own screens and neighbours", async () => {
    for (const from of ['self', 'bora'] as const) {
      expect(await endsAfter(1_000, undefined, from)).toBe(1_000);
      expect(await endsAfter(1_000, 300, from)).toBe(300);
      expect(await endsAfter(1_000, 5_000, from)).toBe(1_000);
      expect(await endsAfter(0, 700, from)).toBe(700);
      expect(await endsAfter(1_000, 0, from)).toBe(1_000);
      expect(await endsAfter(0, undefined, from)).toBeNull();
      expect(await endsAfter(1_000, -5, from)).toBe(1_000);
    }
  });

  it('of an outer call is never exceeded by what it causes, here and at neighbours', async () => {
    const { bus, clock, neighbour, asked } = createTestBus();
    const far = echo({ name: 'test.far', timeoutMs: 60_000 });
    const view = echo({ name: 'test.view', timeoutMs: 0 });
    neighbour('chen', far, never);
    bus.register(view, never);
    const inner: unknown[] = [];
    bus.register(echo({ timeoutMs: 2_000 }), async (input, context) => {
      clock.advance(500);
      void context.call(far, input, { deadlineMs: 30_000 }).then((reply) => inner.push(reply));
      void context.call(view, input).then((reply) => inner.push(reply));
      void context.call(far, input, { deadlineMs: 100 }).then((reply) => inner.push(reply));
      return never();
    });
    const outer = bus.call(echo({ timeoutMs: 2_000 }), hello);
    await settle();
    expect(asked.map(({ request }) => request.deadlineMs)).toEqual([1_500, 100]);
    clock.advance(100);
    await settle();
    expect(inner).toMatchObject([{ error: { code: 'timeout' } }]);
    clock.advance(1_400);
    await settle();
    expect(await outer).toMatchObject({ error: { code: 'timeout' } });
    expect(inner).toHaveLength(3);
    expect(inner.every((reply) => !(reply as { ok: boolean }).ok)).toBe(true);
  });

  it('that has passed lets nothing begin any more', async () => {
    const { bus, clock } = createTestBus();
    const inner = echo({ name: 'test.inner' });
    let handled = 0;
    bus.register(inner, async (input) => ((handled += 1), ok(input)));
    const replies: unknown[] = [];
    bus.register(echo(), async (input, context) => {
      clock.advance(1_000);
      replies.push(await context.call(inner, input));
      return ok(input);
    });
    expect(await bus.call(echo(), hello)).toMatchObject({ error: { code: 'timeout' } });
    await settle();
    expect(replies).toMatchObject([{ ok: false }]);
    expect(handled).toBe(0);
    // Also when the gates themselves have taken all of the time.
    const slow = echo({ name: 'test.inner', permit: () => (clock.advance(300), null) });
    expect(await bus.call(slow, hello, { deadlineMs: 300 })).toMatchObject({ error: { code: 'timeout' } });
    expect(handled).toBe(0);
  });

  it('and leaving are told to a handler that is under way, with the reason', async () => {
    const { bus, serveFrom, clock } = createTestBus(member);
    const reasons: unknown[] = [];
    bus.register(echo({ maxConcurrent: 4 }), async (_input, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      reasons.push(signal.reason);
      return err(failure('cancelled', 'stopped'));
    });
    const late = serveFrom('bora', echo(), hello, { deadlineMs: 200 });
    const control = new AbortController();
    const left = serveFrom('bora', echo(), hello, { signal: control.signal });
    await settle();
    control.abort(failure('cancelled', 'link-lost'));
    clock.advance(200);
    expect(await late).toMatchObject({ error: { code: 'timeout' } });
    expect(await left).toMatchObject({ error: { code: 'cancelled', reason: 'link-lost' } });
    expect(reasons).toEqual([failure('cancelled', 'link-lost'), failure('timeout', 'deadline')]);
  });
});

describe("a handler's own signal", () => {
  it('ends what it calls, and cannot keep it from ending with the outer call', async () => {
    const { bus } = createTestBus();
    const inner = echo({ name: 'test.inner' });
    const signals: AbortSignal[] = [];
    bus.register(inner, async (_input, { signal }) => (signals.push(signal), never()));
    const own = new AbortController();
    bus.register(echo(), async (input, context) => {
      void context.call(inner, input, { signal: own.signal });
      void context.call(inner, input, { signal: new AbortController().signal });
      return never();
    });
    const outer = new AbortController();
    const reply = bus.call(echo(), hello, { signal: outer.signal });
    await settle();
    own.abort();
    await settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    outer.abort();
    await reply;
    await settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});

describe("a caller's stream", () => {
  const word = object({ text: string() });
  type Word = { text: string };
  const capability: Capability<Word, Word, Word, Word> = { ...echo({ timeoutMs: 1_000 }), inputItem: word };
  const wordsOf = (words: readonly unknown[], pulled: number[] = [], closed: string[] = []) =>
    (async function* () {
      try {
        for (const [at, text] of words.entries()) {
          pulled.push(at);
          yield typeof text === 'string' ? { text, more: 1 } : text;
        }
      } finally {
        closed.push('closed');
      }
    })();

  it('comes to the handler item by item, as the schema gives it, and no faster than it reads', async () => {
    const { bus, serveFrom } = createTestBus(member);
    const pulled: number[] = [];
    const seen: unknown[] = [];
    const gate = createGate();
    bus.register(capability, async (_input, { items }) => {
      for await (const item of items) {
        seen.push(item);
        await gate.handler(item);
      }
      return ok({ text: `${seen.length}` });
    });
    const reply = serveFrom('bora', capability, hello, { items: wordsOf(['a', 'b', 'c'], pulled) });
    await settle();
    expect(pulled).toEqual([0]);
    for (const pulledSoFar of [2, 3]) {
      gate.letGo();
      await settle();
      expect(pulled).toHaveLength(pulledSoFar);
    }
    gate.letGo();
    expect(await reply).toMatchObject({ value: { output: { text: '3' } } });
    expect(seen).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'c' }]);
  });

  it('with a bad item ends the call, and the handler never takes the rest for the end', async () => {
    const { bus, serveFrom } = createTestBus(member);
    const closed: string[] = [];
    const seen: unknown[] = [];
    let wasWhole = false;
    let broke: unknown;
    bus.register(capability, async (_input, { items }) => {
      try {
        for await (const item of items) seen.push(item);
        wasWhole = true;
      } catch (error) {
        broke = error;
      }
      return ok({ text: 'done' });
    });
    const items = wordsOf(['a', { text: 7 }, 'c'], [], closed);
    expect(await serveFrom('bora', capability, hello, { items })).toMatchObject({
      error: { code: 'schema_mismatch', reason: 'input-item' },
    });
    await settle();
    expect(seen).toEqual([{ text: 'a' }]);
    expect([wasWhole, closed]).toEqual([false, ['closed']]);
    expect(broke).toBeInstanceOf(Error);
    expect(bus.traces.list(1)).toMatchObject([{ outcome: 'schema_mismatch' }]);
  });

  it('that breaks off by deadline or leaving wakes a handler that waits for the next item', async () => {
    for (const how of ['deadline', 'left'] as const) {
      const { bus, serveFrom, clock } = createTestBus(member);
      let wasWhole = false;
      let threw = false;
      bus.register(capability, async (_input, { items }) => {
        try {
          for await (const item of items) expect(item).toBeNull();
          wasWhole = true;
        } catch (error) {
          threw = error instanceof Error;
        }
        return ok({ text: 'done' });
      });
      const control = new AbortController();
      const items = { [Symbol.asyncIterator]: () => ({ next: never }) };
      const reply = serveFrom('bora', capability, hello, { items, signal: control.signal });
      await settle();
      if (how === 'left') control.abort(failure('cancelled', 'link-lost'));
      else clock.advance(1_000);
      expect(await reply).toMatchObject({ error: { code: how === 'left' ? 'cancelled' : 'timeout' } });
      await settle();
      expect([wasWhole, threw, bus.inFlight()]).toEqual([false, true, 0]);
    }
  });

  it('is closed when the handler has heard enough', async () => {
    const { bus } = createTestBus();
    const closed: string[] = [];
    bus.register(capability, async (_input, { items }) => {
      for await (const item of items) return ok(item);
      return ok({ text: 'none' });
    });
    const items = wordsOf(['a', 'b'], [], closed);
    expect(await bus.call(capability, hello, { items })).toMatchObject({ value: { output: { text: 'a' } } });
    await settle();
    expect(closed).toEqual(['closed']);
  });

  it('is empty where the caller brings none', async () => {
    const { bus } = createTestBus();
    bus.register(capability, async (_input, { items }) => {
      for await (const item of items) return ok(item);
      return ok({ text: 'none' });
    });
    expect(await bus.call(capability, hello)).toMatchObject({ value: { output: { text: 'none' } } });
  });
});
