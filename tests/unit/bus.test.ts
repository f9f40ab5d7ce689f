import { object, string } from 'valibot';
import { describe, expect, it } from 'vitest';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { asAny, createReadCount, createTestBus, echo, says } from './bus-fixture.ts';

const hello = { text: 'hello' };

describe('the gates of the bus', () => {
  it('refuse a stranger before his input is read and before any handler runs', async () => {
    const { input, reads } = createReadCount();
    const capability = echo({ input });
    let handled = 0;
    const { bus, callFrom, asked, neighbour } = createTestBus({ bora: 'member' });
    bus.register(capability, async ({ text }) => ((handled += 1), ok({ text })));
    neighbour('chen', capability, says('never asked'));
    expect(await callFrom('mallory', capability, hello)).toMatchObject({
      error: { code: 'unauthorized', reason: 'not-a-member' },
    });
    expect([reads(), handled, asked.length]).toEqual([0, 0, 0]);
    expect(await callFrom('bora', capability, hello)).toMatchObject({ value: { output: hello } });
    expect([reads(), handled]).toEqual([1, 1]);
  });

  it('ask for the role that the policy names, in the order member, trusted, anchor', async () => {
    const { bus, callFrom } = createTestBus({ bora: 'member', chen: 'trusted', anna: 'anchor' });
    const outcomes: string[] = [];
    for (const policy of ['open', 'member', 'trusted', 'anchor', 'self'] as const) {
      const capability = echo({ name: `test.${policy}`, policy });
      bus.register(capability, async (input) => ok(input));
      for (const device of ['mallory', 'bora', 'chen', 'anna']) {
        const reply = await callFrom(device, capability, hello);
        outcomes.push(`${policy} ${device} ${reply.ok ? 'served' : reply.error.reason}`);
      }
    }
    expect(outcomes.filter((line) => line.endsWith('served'))).toEqual([
      'open mallory served',
      'open bora served',
      'open chen served',
      'open anna served',
      'member bora served',
      'member chen served',
      'member anna served',
      'trusted chen served',
      'trusted anna served',
      'anchor anna served',
    ]);
    expect(outcomes.filter((line) => line.startsWith('self'))).toEqual(
      ['mallory', 'bora', 'chen', 'anna'].map((name) => `self ${name} self-only`),
    );
  });

  it('are shut for a policy and for a kind of caller that nobody has named', async () => {
    const { bus, callFrom } = createTestBus({ anna: 'anchor' });
    const odd = echo({ policy: 'everyone' as never });
    bus.register(odd, async (input) => ok(input));
    expect(await callFrom('anna', odd, hello)).toMatchObject({
      error: { code: 'forbidden', reason: 'policy-unknown' },
    });
    const items = bus.serve({ kind: 'window' } as never, asAny(echo({ policy: 'open' })), hello, {});
    expect((await items.next()).value).toMatchObject({ error: { code: 'unauthorized', reason: 'caller-unknown' } });
  });

  it('ask the permit after the schema, with who calls and what was read, for own screens too', async () => {
    const seen: unknown[] = [];
    const capability = echo({
      permit: (caller, input) => {
        seen.push([caller, input]);
        return input.text === 'no' ? failure('forbidden', 'not-this-text') : null;
      },
    });
    let handled = 0;
    const { bus, callFrom } = createTestBus({ bora: 'member' });
    bus.register(capability, async (input) => ((handled += 1), ok(input)));
    expect(await callFrom('bora', capability, { text: 5 })).toMatchObject({ error: { code: 'schema_mismatch' } });
    expect(seen).toEqual([]);
    expect(await callFrom('bora', capability, { text: 'no', more: 1 })).toMatchObject({
      error: { reason: 'not-this-text' },
    });
    expect(await bus.call(capability, { text: 'no' })).toMatchObject({ error: { reason: 'not-this-text' } });
    expect(seen).toEqual([
      [{ kind: 'device', device: 'bora' }, { text: 'no' }],
      [{ kind: 'self' }, { text: 'no' }],
    ]);
    expect(handled).toBe(0);
  });

  it('do not open for a capability without policy, permit, input or output: it cannot even be registered', () => {
    const { bus } = createTestBus();
    for (const part of ['policy', 'permit', 'input', 'output']) {
      const { [part as 'policy']: _left, ...rest } = echo();
      expect(() => bus.register(rest as unknown as Capability<unknown, unknown>, async () => ok({}))).toThrow(part);
    }
  });

  it('let no stranger and no member from outside call anything that is for own screens, for every contract there is', async () => {
    const { callFrom } = createTestBus({ bora: 'member' });
    const answered: string[] = [];
    for (const capability of contractsByName.values()) {
      const stranger = await callFrom('mallory', capability, {});
      if (stranger.ok || (stranger.error.code !== 'unauthorized' && stranger.error.code !== 'forbidden'))
        answered.push(`mallory ${capability.name}`);
      const member = await callFrom('bora', capability, {});
      if (capability.policy === 'self' && (member.ok || member.error.reason !== 'self-only'))
        answered.push(`bora ${capability.name}`);
    }
    expect(answered).toEqual(['mallory mesh.ping', 'mallory devices.adopt']);
  });

  it('write every refusal into the trace', async () => {
    const { bus, callFrom } = createTestBus();
    await callFrom('mallory', echo(), hello);
    await bus.call(echo(), { text: 1 } as never);
    expect(bus.traces.list(5).map(({ caller, outcome, attempts }) => [caller, outcome, attempts.length])).toEqual([
      ['self', 'schema_mismatch', 0],
      ['mallory', 'unauthorized', 0],
    ]);
  });
});

describe('a handler', () => {
  it('calls on with the rights of who called it, not with its own', async () => {
    const inner = echo({ name: 'test.inner', policy: 'trusted' });
    const outer = echo({ name: 'test.outer', policy: 'member' });
    const callers: unknown[] = [];
    const { bus, callFrom } = createTestBus({ bora: 'member', anna: 'anchor' });
    bus.register(inner, async (input, { caller }) => (callers.push(caller), ok(input)));
    bus.register(outer, async (input, context) => {
      const reply = await context.call(inner, input);
      return reply.ok ? ok(reply.value.output) : reply;
    });
    expect(await callFrom('bora', outer, hello)).toMatchObject({
      error: { code: 'forbidden', reason: 'role-too-low' },
    });
    expect(await callFrom('anna', outer, hello)).toMatchObject({ ok: true });
    expect(await bus.call(outer, hello)).toMatchObject({ ok: true });
    expect(callers).toEqual([{ kind: 'device', device: 'anna' }, { kind: 'self' }]);
  });

  it("does not send a neighbour's call on to other devices, whatever the options say", async () => {
    const inner = echo({ name: 'test.inner' });
    const outer = echo({ name: 'test.outer' });
    const { bus, callFrom, asked, neighbour } = createTestBus({ bora: 'member' });
    neighbour('chen', inner, says('from chen'));
    bus.register(outer, async (input, context) => {
      const reply = await context.call(inner, input, { device: 'chen', localOnly: false });
      return reply.ok ? ok(reply.value.output) : reply;
    });
    expect(await callFrom('bora', outer, hello)).toMatchObject({ error: { code: 'not_found' } });
    expect(await callFrom('bora', inner, hello)).toMatchObject({ error: { code: 'not_found' } });
    bus.register(inner, async () => err(failure('unavailable', 'resting')));
    expect(await callFrom('bora', outer, hello)).toMatchObject({ error: { code: 'not_found' } });
    expect(await callFrom('bora', inner, hello)).toMatchObject({ error: { code: 'unavailable', reason: 'resting' } });
    expect(asked).toEqual([]);
    expect(await bus.call(outer, hello)).toMatchObject({ value: { output: { text: 'from chen' } } });
    expect(await bus.call(inner, hello)).toMatchObject({ value: { output: { text: 'from chen' } } });
  });

  it('that throws is a failure of that call and of nothing else', async () => {
    const { bus } = createTestBus();
    bus.register(echo(), async ({ text }) => {
      if (text === 'boom') throw new Error('a bug');
      return ok({ text });
    });
    expect(await bus.call(echo(), { text: 'boom' })).toMatchObject({ error: { code: 'internal', reason: 'a bug' } });
    expect(await bus.call(echo(), hello)).toMatchObject({ ok: true });
    expect(bus.inFlight()).toBe(0);
  });

  it('is the only one of its name, and gone when its closer was called', async () => {
    const { bus } = createTestBus();
    const close = bus.register(echo(), async (input) => ok(input));
    expect(() => bus.register(echo(), async (input) => ok(input))).toThrow('twice');
    close();
    close();
    expect(await bus.call(echo(), hello)).toMatchObject({ error: { code: 'not_found', reason: 'no-provider' } });
    bus.register(echo(), async () => err(failure('quota_full', 'full')));
    expect(await bus.call(echo(), hello)).toMatchObject({ error: { code: 'quota_full' } });
  });

  it('of an older minor version serves nobody who needs the newer one', async () => {
    const { bus } = createTestBus();
    bus.register(echo({ version: { major: 1, minor: 1 } }), async (input) => ok(input));
    expect(await bus.call(echo(), hello)).toMatchObject({ error: { code: 'not_found' } });
    expect(await bus.call(echo({ version: { major: 2, minor: 0 } }), hello)).toMatchObject({
      error: { code: 'not_found' },
    });
    expect(await bus.call(echo({ version: { major: 1, minor: 0 } }), hello)).toMatchObject({ ok: true });
  });

  it('reads its input as the schema gives it: unknown fields are gone', async () => {
    const { bus } = createTestBus();
    let seen: unknown;
    bus.register(echo({ input: object({ text: string() }) }), async (input) => ((seen = input), ok(input)));
    await bus.call(echo(), { text: 'x', extra: true } as never);
    expect(seen).toEqual({ text: 'x' });
  });
});
