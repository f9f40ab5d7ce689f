import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { encodeRpc } from '../../src/lib/mesh/rpc-frames.ts';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { echo } from '../unit/bus-fixture.ts';
import { settle } from '../unit/link-fixture.ts';
import { callFrame, createRpcHouse, doneFrame, framesOf, itemFrame, said, say } from '../unit/rpc-fixture.ts';

/** Anna serves; mallory sits at the other end of a proven link and is a member. */
const served = (over = {}) => {
  const capability = echo({ timeoutMs: 0, maxConcurrent: 1_000, ...over });
  const house = createRpcHouse('anna', [capability], { mallory: 'member' });
  const release: (() => void)[] = [];
  let handled = 0;
  let stopped = 0;
  house.bus.register(capability, async (input, { signal }) => {
    handled += 1;
    signal.addEventListener('abort', () => (stopped += 1));
    if (input.text === 'wait') await new Promise<void>((resolve) => release.push(resolve));
    return ok(input);
  });
  const link = house.linkTo('mallory');
  return { ...house, capability, link, release, handled: () => handled, stopped: () => stopped };
};
const wholeCall = {
  t: 'call',
  cap: 'test.echo@1.2',
  input: encodeCbor({ text: 'x' }),
  params: {},
  deadlineMs: 0,
  trace: 't',
  clientId: 'c',
};
const waitFrame = (id: number) => callFrame(id, { input: { text: 'wait' } });

describe('attacks on a device that serves calls', () => {
  it('flood: the seventeenth call in flight is refused, and the first sixteen are answered', async () => {
    const house = served();
    for (let id = 1; id <= limits.callsInFlightPerPeerMax + 1; id++) say(house.link, waitFrame(id));
    await settle();
    expect(framesOf(house.link)).toEqual([
      {
        t: 'error',
        id: limits.callsInFlightPerPeerMax + 1,
        failure: { code: 'rate_limited', reason: 'calls-in-flight', retryAfterMs: 1000 },
      },
    ]);
    house.release.forEach((go) => go());
    await settle();
    expect(framesOf(house.link)).toHaveLength(limits.callsInFlightPerPeerMax);
    say(house.link, callFrame(99));
    await settle();
    expect(framesOf(house.link)).toMatchObject([{ t: 'done', id: 99 }]);
  });

  it('flood: more calls a minute than the bound are refused until the minute is over', async () => {
    const house = served();
    for (let id = 1; id <= limits.callsPerMinutePerPeerMax + 1; id++) {
      say(house.link, callFrame(id));
      if (id % 10 === 0) await settle(3);
    }
    await settle();
    const refusals = framesOf(house.link).filter(({ t }) => t === 'error');
    expect(refusals).toMatchObject([{ failure: { code: 'rate_limited', reason: 'calls-per-minute' } }]);
    house.clock.advance(60_000);
    say(house.link, callFrame(7_000));
    await settle();
    expect(framesOf(house.link)).toMatchObject([{ t: 'done', id: 7_000 }]);
  });

  it('duplicate id: a second call under an old id is dropped and disturbs nothing', async () => {
    const house = served();
    say(house.link, waitFrame(1));
    say(house.link, callFrame(1));
    await settle();
    expect([framesOf(house.link), house.refused, house.handled()]).toEqual([[], ['rpc-duplicate-id'], 1]);
    house.release.forEach((go) => go());
    await settle();
    expect(framesOf(house.link)).toMatchObject([{ t: 'done', id: 1 }]);
    // Nor after the end, nor in the disguise of a call that cannot be read: one answer an id.
    say(house.link, callFrame(1));
    say(house.link, callFrame(0));
    house.link.hear('rpc', encodeCbor({ t: 'call', id: 1 }));
    await settle();
    expect([framesOf(house.link), house.handled()]).toEqual([[], 1]);
    say(house.link, callFrame(2));
    await settle();
    expect(framesOf(house.link)).toMatchObject([{ t: 'done', id: 2 }]);
  });

  it('vanishing: a caller who leaves in the middle leaves nothing running', async () => {
    const house = served();
    say(house.link, waitFrame(1));
    await settle();
    house.link.close('gone');
    house.links.down(house.link);
    await settle();
    expect([house.rpc.inFlight(), house.stopped()]).toEqual([0, 1]);
    house.release.forEach((go) => go());
    await settle();
    expect([house.rpc.inFlight(), house.bus.inFlight(), framesOf(house.link)]).toEqual([0, 0, []]);
  });

  it('probing: unknown names, other versions and what is no name at all are not found', async () => {
    const house = served();
    const names = [
      'test.none@1.0',
      'test.echo@2.0',
      'test.echo@1.3',
      'test.echo',
      '__proto__@1.0',
      'toString@1.0',
      'constructor.name@1.0',
      'x'.repeat(5_000),
    ];
    for (const [id, cap] of names.entries()) say(house.link, callFrame(id, { cap }));
    await settle();
    const answers = framesOf(house.link);
    expect(answers.map((frame) => (frame.t === 'error' ? frame.failure.code : frame.t))).toEqual(
      names.map(() => 'not_found'),
    );
    expect(house.handled()).toBe(0);
  });

  it('a caller in the body: no field of a frame makes mallory somebody else', async () => {
    const capability = echo({ policy: 'trusted' });
    const house = createRpcHouse('anna', [capability], { mallory: 'member', bora: 'anchor' });
    house.bus.register(capability, async (input) => ok(input));
    const link = house.linkTo('mallory');
    link.hear(
      'rpc',
      encodeCbor({
        t: 'call',
        id: 1,
        cap: 'test.echo@1.2',
        input: encodeCbor({ text: 'x', caller: 'bora', device: 'bora' }),
        params: {},
        deadlineMs: 0,
        trace: 'bora',
        clientId: 'bora',
        session: 'bora',
        caller: { kind: 'self' },
        device: 'bora',
      }),
    );
    await settle();
    expect(framesOf(link)).toMatchObject([{ t: 'error', failure: { code: 'forbidden', reason: 'role-too-low' } }]);
  });

  it('everything that is for own screens: a member calls each contract over the link and gets none', async () => {
    const house = createRpcHouse('anna', [...contractsByName.values()], { mallory: 'anchor' });
    const link = house.linkTo('mallory');
    const own = [...contractsByName.values()].filter(({ policy }) => policy === 'self');
    for (const [id, { name }] of own.entries()) {
      say(link, callFrame(id, { cap: `${name}@1.0`, input: {} }));
      await settle(2);
    }
    await settle();
    expect(framesOf(link).map((frame) => (frame.t === 'error' ? frame.failure.reason : frame.t))).toEqual(
      own.map(() => 'self-only'),
    );
  });

  it('garbage: frames that are none, prototype keys, and answers to calls nobody made', async () => {
    const house = served();
    const proto = concatBytes(Uint8Array.of(0xa1), encodeCbor('__proto__'), Uint8Array.of(0xa0));
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff), proto, encodeCbor({ t: 'x', id: 1 })])
      house.link.hear('rpc', bytes);
    say(house.link, itemFrame(5, null));
    say(house.link, doneFrame(5, null));
    say(house.link, { t: 'cancel', id: 77 });
    say(house.link, { t: 'credit', id: 77, n: 5 });
    await settle();
    expect(house.refused).toEqual([
      'rpc-malformed',
      'rpc-malformed',
      'rpc-malformed',
      'rpc-type',
      'rpc-unknown-id',
      'rpc-unknown-id',
      'rpc-unknown-id',
      'rpc-unknown-id',
    ]);
    say(house.link, callFrame(1));
    await settle();
    expect(framesOf(house.link)).toMatchObject([{ t: 'done', id: 1 }]);
  });

  it('a call that cannot be read: who sent it hears so, and nothing ran', async () => {
    const house = served();
    for (const [id, over] of [{ params: 5 }, { input: { text: 'open' } }, { deadlineMs: -1 }, { trace: '' }].entries())
      house.link.hear('rpc', encodeCbor({ ...wholeCall, id, ...over }));
    await settle();
    expect(framesOf(house.link).map(said)).toEqual(
      [0, 1, 2, 3].map((id) => ['error', id, 'bad_request', 'call-malformed']),
    );
    house.link.hear('rpc', encodeRpc({ ...callFrame(9), input: Uint8Array.of(0xff) }));
    await settle();
    expect(framesOf(house.link).map(said)).toEqual([['error', 9, 'bad_request', 'input-forbidden-type']]);
    expect(house.handled()).toBe(0);
  });

  it('a closed gate: the input of a stranger is not decoded', async () => {
    const capability = echo();
    const house = createRpcHouse('anna', [capability], {});
    house.bus.register(capability, async (input) => ok(input));
    const link = house.linkTo('mallory');
    link.hear('rpc', encodeRpc({ ...callFrame(1), input: Uint8Array.of(0xff) }));
    await settle();
    expect(framesOf(link).map(said)).toEqual([['error', 1, 'unauthorized', 'not-a-member']]);
  });

  it('flood of frames: who sends more than anybody needs loses the link, and only that link', async () => {
    const house = served();
    const toBora = house.linkTo('bora');
    for (let at = 0; at <= limits.rpcFramesPerMinuteMax; at++) house.link.hear('rpc', Uint8Array.of(0xff));
    expect([house.link.closedWith(), toBora.closedWith(), house.refused.at(-1)]).toEqual([
      'rpc-flood',
      null,
      'rpc-flood',
    ]);
  });

  it('credit bomb: granting more and more does not make a stream run ahead without bound', async () => {
    const capability = echo({ timeoutMs: 0 });
    const house = createRpcHouse('anna', [capability], { mallory: 'member' });
    let made = 0;
    house.bus.register(capability, async function* () {
      for (;;) {
        made += 1;
        yield { text: 'x' };
      }
    });
    const link = house.linkTo('mallory');
    say(link, callFrame(1));
    for (let at = 0; at < 1_000; at++) say(link, { t: 'credit', id: 1, n: 1024 });
    await settle(200);
    expect(made).toBeLessThanOrEqual(limits.streamQueueItemsMax + 2);
    say(link, { t: 'cancel', id: 1 });
    await settle();
    expect(house.rpc.inFlight()).toBe(0);
  });
});
