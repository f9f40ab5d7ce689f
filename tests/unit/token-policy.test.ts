import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cbor } from '../../src/lib/kernel/codec.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import {
  coversCommand,
  isCommand,
  isNarrower,
  parsePolicy,
  permitByPolicy,
  type TokenPolicy,
} from '../../src/lib/kernel/bus/token-policy.ts';
import { createTokenRates } from '../../src/lib/kernel/bus/token-rates.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';

describe('the policy of a token', () => {
  const word = fc.constantFrom('a', 'ab', 'abc', 'b', 'street-notes');
  const field = fc.constantFrom('k', 'query', 'corpora');
  const fields = <T>(value: fc.Arbitrary<T>) =>
    fc.option(fc.dictionary(field, value, { minKeys: 1, maxKeys: 3 }), { nil: undefined });
  const choice = fc.uniqueArray(fc.oneof(word, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 4 });
  const rpm = fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined });
  const cleared = (record: object): TokenPolicy =>
    Object.fromEntries(Object.entries(record).filter(([, part]) => part !== undefined));
  const policy = fc
    .record({ max: fields(fc.integer({ min: -5, max: 9 })), oneOf: fields(choice), prefix: fields(word), rpm })
    .map(cleared);
  const value = fc.oneof(
    word,
    fc.integer({ min: -9, max: 12 }),
    fc.array(fc.oneof(word, fc.integer({ min: 0, max: 9 })), { maxLength: 3 }),
    fc.constant(null),
    fc.constant(Number.NaN),
    fc.constant({}),
  );
  const input = fc.oneof(fc.dictionary(field, value, { maxKeys: 3 }), fc.constant(null), fc.constant('text'));
  const command = fc.constantFrom('a.', 'a.b', 'a.b.', 'a.b.c', 'ab.', 'ab.c', 'a.bc');

  /** A policy made from its parent by leaving alone, narrowing, or (a third of the time) doing as it likes. */
  const pairs = fc
    .tuple(policy, policy, fc.integer({ min: 0, max: 2 }))
    .map(([parent, other, how]): [TokenPolicy, TokenPolicy] => [
      parent,
      how === 0
        ? other
        : cleared({
            ...other,
            ...parent,
            ...(how === 2 && parent.max
              ? { max: Object.fromEntries(Object.entries(parent.max).map(([name, most]) => [name, most - 1])) }
              : {}),
          }),
    ]);

  it('that counts as narrower never permits what its parent refuses', () => {
    let narrower = 0;
    fc.assert(
      fc.property(pairs, fc.array(input, { minLength: 1, maxLength: 8 }), ([parent, child], inputs) => {
        if (!isNarrower(child, parent)) return;
        narrower += 1;
        for (const each of inputs)
          if (permitByPolicy(child, each) === null)
            expect([parent, child, each, permitByPolicy(parent, each)]).toEqual([parent, child, each, null]);
        if (parent.rpm !== undefined) expect(child.rpm).toBeLessThanOrEqual(parent.rpm);
      }),
      { numRuns: 3_000 },
    );
    expect(narrower).toBeGreaterThan(300);
  });

  it('narrows transitively, and a command that covers another covers all that one covers', () => {
    fc.assert(
      fc.property(policy, policy, policy, command, command, command, (a, b, c, x, y, z) => {
        expect(isNarrower(a, a)).toBe(true);
        if (isNarrower(c, b) && isNarrower(b, a)) expect(isNarrower(c, a)).toBe(true);
        if (coversCommand(x, y) && coversCommand(y, z)) expect(coversCommand(x, z)).toBe(true);
        expect(isCommand(x)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is read back from a link as it was written', () => {
    fc.assert(
      fc.property(policy, (each) => {
        expect(parsePolicy(each as Cbor)).toEqual(each);
      }),
    );
  });

  it('asks for the fields it names: an input without them, or with an empty list, is beyond it', () => {
    expect(permitByPolicy({ max: { k: 5 } }, {})).toMatchObject({ reason: 'token-max' });
    expect(permitByPolicy({ max: { k: 5 } }, { k: Number.NaN })).toMatchObject({ reason: 'token-max' });
    expect(permitByPolicy({ max: { k: 5 } }, Object.create({ k: 1 }))).toMatchObject({ reason: 'token-max' });
    expect(permitByPolicy({ oneOf: { corpora: ['a'] } }, { corpora: [] })).toMatchObject({ reason: 'token-one-of' });
    expect(permitByPolicy({ oneOf: { corpora: ['a'] } }, { corpora: ['a', 'b'] })).toMatchObject({
      reason: 'token-one-of',
    });
    expect(permitByPolicy({ prefix: { query: 'water' } }, { query: 'power' })).toMatchObject({
      reason: 'token-prefix',
    });
    expect(
      permitByPolicy(
        { max: { k: 5 }, oneOf: { corpora: ['a'] }, prefix: { query: 'w' } },
        { k: 5, corpora: ['a'], query: 'water' },
      ),
    ).toBeNull();
  });
});

describe('the rate of a token', () => {
  const link = (hash: string, rpm: number) => ({ hash, policy: { rpm } });

  it('is counted by link and minute, and a call that one link refuses costs the others nothing', () => {
    const clock = createVirtualClock();
    const { take } = createTokenRates({ clock });
    expect(take([link('parent', 2), link('child', 1)])).toBeNull();
    expect(take([link('parent', 2), link('child', 1)])).toMatchObject({ code: 'rate_limited', reason: 'token-rpm' });
    expect(take([link('parent', 2), link('other child', 5)])).toBeNull();
    expect(take([link('parent', 2), link('third child', 5)])).toMatchObject({ code: 'rate_limited' });
    clock.advance(60_000);
    expect(take([link('parent', 2), link('child', 1)])).toBeNull();
  });

  it('keeps at most so many counts, refuses further links, and forgets those whose minute is over', () => {
    const clock = createVirtualClock();
    const rates = createTokenRates({ clock });
    for (let at = 0; at < limits.tokenCountersMax; at++) expect(rates.take([link(`link ${at}`, 1)])).toBeNull();
    expect(rates.take([link('one more', 1)])).toMatchObject({ code: 'rate_limited' });
    expect(rates.take([link('link 0', 1)])).toMatchObject({ code: 'rate_limited' });
    clock.advance(60_000);
    expect(rates.take([link('one more', 1)])).toBeNull();
    expect(rates.size()).toBe(1);
  });
});
