import { describe, expect, it } from 'vitest';
import { failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createRepeatBook } from '../../src/lib/kernel/bus/repeat-book.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { createGate, createTestBus, echo } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const hello = { text: 'hello' };
const member = { bora: 'member', chen: 'member' } as const;
/** Answers in one piece, and must not be done twice. */
const unary = (over: Parameters<typeof echo>[0] = {}) => {
  const { item: _none, ...rest } = echo({ idempotent: false, ...over });
  return rest;
};
const post = unary({ name: 'test.post' });
const named = (clientId: string) => ({ clientId });

describe('a call that must not be done twice', () => {
  it('is done once, however often the same caller repeats it, and each time its answer is the same', async () => {
    const { bus, serveFrom, clock } = createTestBus(member);
    let done = 0;
    bus.register(post, async () => ok({ text: `number ${(done += 1)}` }));
    const first = await serveFrom('bora', post, hello, named('a'));
    clock.advance(limits.repeatMs - 1);
    const again = await serveFrom('bora', post, hello, named('a'));
    expect([first, again]).toMatchObject([
      { value: { output: { text: 'number 1' } } },
      { value: { output: { text: 'number 1' }, meta: { servedBy: 'self', route: 'local' } } },
    ]);
    expect(await serveFrom('bora', post, hello, named('b'))).toMatchObject({ value: { output: { text: 'number 2' } } });
    expect(await serveFrom('chen', post, hello, named('a'))).toMatchObject({ value: { output: { text: 'number 3' } } });
    clock.advance(limits.repeatMs);
    expect(await serveFrom('bora', post, hello, named('a'))).toMatchObject({ value: { output: { text: 'number 4' } } });
    expect(bus.traces.list(9).map(({ outcome, servedBy }) => [outcome, servedBy])).toEqual(
      Array.from({ length: 5 }, () => ['ok', 'self']),
    );
  });

  it('that is under way is joined, also when there is no place left, and each who waits may leave', async () => {
    const { bus, serveFrom, clock } = createTestBus(member);
    const gate = createGate();
    const one = unary({ name: 'test.post', maxConcurrent: 1, timeoutMs: 0 });
    bus.register(one, gate.handler);
    const control = new AbortController();
    const replies = [
      serveFrom('bora', one, hello, named('a')),
      serveFrom('bora', one, hello, named('a')),
      serveFrom('bora', one, hello, { ...named('a'), signal: control.signal }),
      serveFrom('bora', one, hello, { ...named('a'), deadlineMs: 50 }),
    ];
    await settle();
    control.abort(failure('cancelled', 'by-caller'));
    expect(await replies[2]).toMatchObject({ error: { code: 'cancelled' } });
    clock.advance(50);
    expect(await replies[3]).toMatchObject({ error: { code: 'timeout' } });
    gate.letGo();
    expect(await Promise.all(replies.slice(0, 2))).toMatchObject([{ ok: true }, { ok: true }]);
    expect(gate.begun()).toBe(1);
    expect(bus.traces.total).toBe(4);
  });

  it('cannot lend its name to another question', async () => {
    const { bus, serveFrom } = createTestBus(member);
    const other = unary({ name: 'test.other' });
    for (const each of [post, other]) bus.register(each, async (input) => ok(input));
    await serveFrom('bora', post, hello, named('a'));
    for (const reply of [
      await serveFrom('bora', post, { text: 'another' }, named('a')),
      await serveFrom('bora', other, hello, named('a')),
    ])
      expect(reply).toMatchObject({ error: { code: 'bad_request', reason: 'client-id-reused' } });
  });

  it('is told as it really ended to who lost the link while it ran', async () => {
    const { bus, serveFrom } = createTestBus(member);
    const gate = createGate();
    bus.register(post, gate.handler);
    const control = new AbortController();
    const lost = serveFrom('bora', post, hello, { ...named('a'), signal: control.signal });
    await settle();
    control.abort(failure('cancelled', 'link-lost'));
    expect(await lost).toMatchObject({ error: { code: 'cancelled' } });
    const back = serveFrom('bora', post, hello, named('a'));
    await settle();
    gate.letGo();
    expect(await back).toMatchObject({ value: { output: hello } });
    expect(gate.begun()).toBe(1);
  });

  it('that was stopped half way is never said to have been stopped: nobody knows', async () => {
    const { bus, serveFrom } = createTestBus(member);
    bus.register(post, async (_input, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      return err(failure('cancelled', 'stopped'));
    });
    const control = new AbortController();
    const lost = serveFrom('bora', post, hello, { ...named('a'), signal: control.signal });
    await settle();
    const joined = serveFrom('bora', post, hello, named('a'));
    await settle();
    control.abort(failure('cancelled', 'link-lost'));
    await lost;
    for (const reply of [await joined, await serveFrom('bora', post, hello, named('a'))])
      expect(reply).toMatchObject({ error: { code: 'unknown_outcome', reason: 'cut-off' } });
  });

  it('may be tried again where nothing was done', async () => {
    const { bus, serveFrom } = createTestBus(member);
    const answers = [
      err(failure('unavailable', 'resting')),
      err(failure('capacity_exceeded', 'busy')),
      err(failure('rate_limited', 'slow')),
      err(failure('not_found', 'nothing')),
      ok(hello),
    ];
    let done = 0;
    bus.register(post, async () => answers[done++] ?? ok(hello));
    const codes: string[] = [];
    for (let at = 0; at < 6; at++) {
      const reply = await serveFrom('bora', post, hello, named('a'));
      codes.push(reply.ok ? 'ok' : reply.error.code);
    }
    expect(codes).toEqual(['unavailable', 'capacity_exceeded', 'rate_limited', 'not_found', 'ok', 'ok']);
    expect(done).toBe(5);
  });

  it('asks the gates anew for every repetition: who was put out hears nothing of the old answer', async () => {
    const roles: Record<string, 'member'> = { bora: 'member' };
    const { bus, serveFrom } = createTestBus(roles);
    bus.register(post, async (input) => ok(input));
    await serveFrom('bora', post, hello, named('a'));
    delete roles.bora;
    expect(await serveFrom('bora', post, hello, named('a'))).toMatchObject({ error: { code: 'unauthorized' } });
  });

  it('is any other call than one that may be repeated, is a stream, has no name or comes from own screens', async () => {
    const { bus, serveFrom } = createTestBus(member);
    let done = 0;
    const asks = [
      [unary({ name: 'test.again', idempotent: true }), named('a')],
      [echo({ name: 'test.stream', idempotent: false }), named('a')],
      [post, {}],
    ] as const;
    for (const [capability] of asks) bus.register(capability, async (input) => ((done += 1), ok(input)));
    for (const [capability, options] of asks) {
      done = 0;
      for (let at = 0; at < 3; at++) await serveFrom('bora', capability, hello, options);
      expect([capability.name, done]).toEqual([capability.name, 3]);
    }
    done = 0;
    for (let at = 0; at < 3; at++) await bus.call(post, hello, named('a'));
    expect(done).toBe(3);
  });
});

describe('the book of repetitions', () => {
  const call = (device: string, clientId: string) => ({ device, clientId, capability: 'test.post@1.0', input: hello });
  const done = (book: ReturnType<typeof createRepeatBook>, device: string, clientId: string, value: unknown = 1) => {
    const entered = book.enter(call(device, clientId));
    if (entered.isNew) entered.settle(ok(value), false);
    return entered.isNew;
  };

  it("is bounded a caller: one that fills it forgets its own answers and no other's", () => {
    const book = createRepeatBook({ clock: createVirtualClock() });
    done(book, 'bora', 'hers');
    for (let at = 0; at < 3 * limits.repeatsPerCallerMax; at++) done(book, 'mallory', `m${at}`);
    expect(book.size()).toBe(limits.repeatsPerCallerMax + 1);
    expect(book.knows('bora', 'hers')).toBe(true);
    expect(book.knows('mallory', 'm0')).toBe(false);
  });

  it('is bounded in all, and in bytes', async () => {
    const book = createRepeatBook({ clock: createVirtualClock() });
    for (let at = 0; at < 2 * limits.repeatsMax; at++) done(book, `device-${at}`, 'a');
    expect(book.size()).toBe(limits.repeatsMax);
    const large = new Uint8Array(limits.repeatBytesPerCallerMax - 100);
    for (const clientId of ['a', 'b']) done(book, 'bora', clientId, large);
    expect([book.knows('bora', 'a'), book.knows('bora', 'b')]).toEqual([false, true]);
    const most = Math.floor(limits.repeatBytesMax / large.length);
    for (let at = 0; at < 2 * most; at++) done(book, `large-${at}`, 'a', large);
    expect(book.knows('large-0', 'a')).toBe(false);
    expect(book.knows(`large-${2 * most - 1}`, 'a')).toBe(true);
  });

  it('does not keep an answer that is too large, but knows that it was given', async () => {
    const book = createRepeatBook({ clock: createVirtualClock() });
    done(book, 'bora', 'a', new Uint8Array(limits.repeatBytesPerCallerMax + 1));
    const again = book.enter(call('bora', 'a'));
    expect(again.isNew).toBe(false);
    expect(again.isNew ? null : await again.answer).toMatchObject({
      error: { code: 'unknown_outcome', reason: 'answer-not-kept' },
    });
  });

  it('never forgets what is under way: when that is all there is, the next is refused', async () => {
    const book = createRepeatBook({ clock: createVirtualClock() });
    const settles = Array.from({ length: limits.repeatsPerCallerMax }, (_, at) => book.enter(call('bora', `b${at}`)));
    const refused = book.enter(call('bora', 'one-more'));
    expect(refused.isNew ? null : await refused.answer).toMatchObject({
      error: { code: 'capacity_exceeded', reason: 'repeats-in-flight' },
    });
    expect(done(book, 'chen', 'a')).toBe(true);
    expect(settles.every((_, at) => book.knows('bora', `b${at}`))).toBe(true);
    const [first] = settles;
    if (first?.isNew) first.settle(ok(1), false);
    expect(book.enter(call('bora', 'one-more')).isNew).toBe(true);
  });
});
