import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor, isCborMap, type Cbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { answerMessage } from '../conformance/conformance.ts';
import { startImplementation } from '../conformance/drive.ts';
import { frameOf, messageBytesMax, readMessages, type StreamPart } from '../conformance/framing.ts';
import { readGolden } from '../conformance/golden.ts';
import { fromNotation, mismatch } from '../conformance/notation.ts';
import { busText, busUrl } from '../vectors/make-bus.ts';

const script = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const main = script('conformance/main.ts');
const broken = script('support/broken-conformance.ts');
/** A child shares its processors with every other test that runs now. */
const patience = { timeout: 120_000 };

/** Runs the command as a person would and keeps what it prints. */
const run = (args: readonly string[]): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.on('close', (code) => resolve({ code, output }));
  });

const rowOf = (output: string, group: string): number[] =>
  (output.split('\n').find((line) => line.startsWith(`${group} `)) ?? '')
    .slice(group.length)
    .trim()
    .split(/ +/)
    .map(Number);

describe('the vectors of the bus', () => {
  it('are rebuilt byte for byte', async () => {
    const advice = 'run: node tests/vectors/make-bus.ts';
    expect(readFileSync(busUrl, 'utf8') === (await busText()), advice).toBe(true);
  });

  it('have one name each', () => {
    const names = readGolden().flatMap(({ group, vectors }) => vectors.map(({ name }) => `${group}: ${name}`));
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });
});

describe('the suite against this implementation', patience, () => {
  let checked: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    checked = await run(['check']);
  }, patience.timeout);

  it('passes every vector and every hostile stream', () => {
    expect(checked.output).not.toContain('FAILED');
    expect(checked.code).toBe(0);
    for (const { group, vectors } of readGolden())
      expect([group, ...rowOf(checked.output, group)]).toEqual([group, vectors.length, 0, 0]);
    expect(rowOf(checked.output, 'hostile streams')).toEqual([16, 0, 0]);
  });
});

describe('the suite against an implementation', patience, () => {
  const check = (fault: string, groups: string) => run(['check', '--only', groups, process.execPath, broken, fault]);

  it('that takes every signature names the forged ones', async () => {
    const { code, output } = await check('gullible', 'keys,codec');
    expect(code).toBe(1);
    expect(output).toMatch(/FAILED keys: rule ED1, /);
    expect(rowOf(output, 'keys')[1]).toBeGreaterThan(900);
    expect(rowOf(output, 'codec')[1]).toBe(0);
  });

  it('that lets everybody in names each call that should have been refused', async () => {
    const { code, output } = await check('open', 'gates,tokens at the gate,tokens');
    expect(code).toBe(1);
    expect(output).toContain('FAILED gates: a stranger searches');
    expect(output).toContain('FAILED tokens at the gate: a token taken back');
    expect(rowOf(output, 'tokens')[1]).toBe(0);
  });

  it('that cannot do everything is not said to conform', async () => {
    const { code, output } = await check('old', 'calls');
    expect(code).toBe(1);
    const [passed, failed, absent] = rowOf(output, 'calls');
    expect([passed, failed]).toEqual([0, 0]);
    expect(absent).toBeGreaterThan(20);
    expect(output).not.toContain('FAILED');
  });

  it('that leaves at the first rubbish is found out', async () => {
    const { code, output } = await check('brittle', 'hostile streams');
    expect(code).toBe(1);
    expect(output).toContain('FAILED hostile streams: an empty message\n  the process ended with code 3');
  });

  it('is never asked nothing', async () => {
    const { code, output } = await check('old', 'songs');
    expect([code, output]).toEqual([1, 'No group has such a name: songs.\n']);
  });

  it('that is not there is said to be not there', async () => {
    const { code, output } = await run(['check', script('support/nobody-here')]);
    expect(code).toBe(1);
    expect(output).toMatch(/hello was not answered: the process ended with .*ENOENT/);
  });
});

describe('the command', patience, () => {
  it('waits no longer for a silent implementation than it was told', async () => {
    const silent = startImplementation([process.execPath, broken, 'mute'], 50);
    expect(await silent.ask({ op: 'hello' })).toEqual({ silence: 'no reply within 50 ms' });
    expect((await silent.finish()).ended).toBe('signal SIGKILL');
  });

  it('ends by itself and in order when nobody listens any more', async () => {
    const child = spawn(process.execPath, [main], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.stdin.on('error', () => {});
    child.stdout.destroy();
    for (let id = 0; id < 50; id++) child.stdin.write(frameOf(encodeCbor({ id, op: 'schemas' })));
    child.stdin.end();
    expect(await ended).toBe(0);
  });

  it('says that it does not know a word', async () => {
    expect(await run(['sing'])).toEqual({
      code: 1,
      output: 'sing means nothing here: nothing at all, or check and a command.\n',
    });
  });
});

const partsOf = async (chunks: readonly Uint8Array[]): Promise<StreamPart[]> => {
  const stream = async function* () {
    yield* chunks;
  };
  const parts: StreamPart[] = [];
  for await (const part of readMessages(stream())) parts.push(part);
  return parts;
};

describe('the stream', () => {
  it('is cut into the same messages however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 }),
        fc.array(fc.nat(30), { maxLength: 30 }),
        async (messages, cuts) => {
          const whole = concatBytes(...messages.map(frameOf));
          const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut * 3, whole.length)), whole.length])].sort(
            (a, b) => a - b,
          );
          const chunks = places.slice(1).map((end, at) => whole.subarray(places[at], end));
          const expected = messages.map((bytes) => ({ kind: 'message', bytes: new Uint8Array(bytes) }));
          expect(await partsOf(chunks)).toEqual(expected);
        },
      ),
    );
  });

  it('drops what is too long unread and goes on behind it', async () => {
    const long = new Uint8Array(messageBytesMax + 5);
    const framed = concatBytes(frameOf(long), frameOf(utf8('next')));
    const cut = [framed.subarray(0, 1_000), framed.subarray(1_000, 2_000_000), framed.subarray(2_000_000)];
    expect(await partsOf(cut)).toEqual([
      { kind: 'too-large', length: long.length },
      { kind: 'message', bytes: utf8('next') },
    ]);
  });

  it('says so when it ends inside of a message', async () => {
    const framed = frameOf(utf8('hello'));
    for (let length = 1; length < framed.length; length++)
      expect(await partsOf([framed.subarray(0, length)])).toEqual([{ kind: 'truncated' }]);
    expect(await partsOf([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1)])).toEqual([
      { kind: 'too-large', length: 0xffffffff },
      { kind: 'truncated' },
    ]);
  });
});

describe('any message', () => {
  const replyTo = async (message: Uint8Array): Promise<{ readonly [name: string]: Cbor }> => {
    const reply = unwrap(decodeCbor(await answerMessage(message)));
    if (!isCborMap(reply)) throw new Error('the reply is no map');
    return reply;
  };

  it('has a reply with exactly one of ok and error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const reply = await replyTo(bytes);
        expect('ok' in reply !== 'error' in reply).toBe(true);
      }),
    );
  });

  it('is answered without a fault of ours, whatever is put in the place of a part of an honest question', async () => {
    const honest = readGolden()
      .filter(({ group }) => group !== 'keys')
      .flatMap(({ vectors }) =>
        vectors.map(({ request }) => fromNotation(request) as { readonly [name: string]: Cbor }),
      );
    const rubbish = fc.oneof(
      fc.constantFrom<Cbor>(null, true, -1, 0, 2 ** 40, '', 'x', [], {}, { toString: 1 }),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...honest), fc.nat(50), rubbish, async (request, at, instead) => {
        const names = Object.keys(request);
        const name = names[at % names.length] ?? 'op';
        const { error } = await replyTo(encodeCbor({ ...request, id: 5, [name]: instead }));
        expect(isCborMap(error) ? error['kind'] : 'none').not.toBe('internal');
      }),
      { numRuns: 400 },
    );
  });

  it('is answered the same, whatever was asked before', async () => {
    const question = encodeCbor({ id: 1, op: 'schemas', capability: 'mesh.ping@1.0' });
    const before = await answerMessage(question);
    for (const { vectors } of readGolden().filter(({ group }) => group === 'gates' || group === 'calls'))
      for (const { request } of vectors) await replyTo(encodeCbor({ ...(fromNotation(request) as object), id: 2 }));
    expect(await answerMessage(question)).toEqual(before);
  });
});

describe('what is expected', () => {
  it('is fitted by more members and by nothing else', () => {
    expect(mismatch({ a: 1 }, { a: 1, b: 2 })).toBeNull();
    expect(mismatch({ a: 1 }, { a: 2 })).toBe('a is 2, expected 1');
    expect(mismatch({ a: 1 }, {})).toBe('a is absent, expected 1');
    expect(mismatch([1], [1, 2])).toBe('the answer is [1,2], expected [1]');
    expect(mismatch({ $any: true }, null)).toBeNull();
    expect(mismatch({ a: { $any: true } }, {})).not.toBeNull();
    expect(mismatch({ $from: 1, $to: 3 }, 4)).not.toBeNull();
    expect(mismatch({ $cbor: { a: 1 } }, encodeCbor({ a: 1 }))).toBeNull();
    expect(mismatch({ $cbor: { a: 1 } }, encodeCbor({ a: 2 }))).not.toBeNull();
    expect(mismatch({ $hex: '01' }, Uint8Array.of(2))).not.toBeNull();
    expect(() => fromNotation(1.5)).toThrow(/travels/);
    expect(() => fromNotation({ $hex: '0' })).toThrow(/hex/);
  });
});
