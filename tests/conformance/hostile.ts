import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import type { Heard, Implementation } from './drive.ts';
import { frameOf, messageBytesMax } from './framing.ts';
import { hexBytes, mismatch } from './notation.ts';

/** What nobody should send. Each is answered with an error of the kind `request`, and the next honest question with its answer. */
const hostileStreams: readonly { readonly name: string; readonly bytes: () => Uint8Array; readonly id?: number }[] = [
  { name: 'an empty message', bytes: () => frameOf(new Uint8Array(0)) },
  { name: 'bytes that are no CBOR', bytes: () => frameOf(hexBytes('ff00ff00')) },
  { name: 'a map that is cut off', bytes: () => frameOf(hexBytes('a3626964')) },
  { name: 'lists in lists, a thousand deep', bytes: () => frameOf(hexBytes(`${'81'.repeat(1_000)}00`)) },
  { name: 'a text where a map belongs', bytes: () => frameOf(encodeCbor('hello')) },
  { name: 'a map with a length nobody sent', bytes: () => frameOf(hexBytes('bb001fffffffffffff')) },
  { name: 'an id that is no number', bytes: () => frameOf(encodeCbor({ id: 'one', op: 'hello' })) },
  { name: 'an id below zero', bytes: () => frameOf(encodeCbor({ id: -1, op: 'hello' })) },
  { name: 'an op nobody knows', bytes: () => frameOf(encodeCbor({ id: 7, op: 'sing' })), id: 7 },
  {
    name: 'an op named like a part of an object',
    bytes: () => frameOf(encodeCbor({ id: 8, op: 'constructor', type: 'name' })),
    id: 8,
  },
  {
    name: 'a type named like a part of an object',
    bytes: () => frameOf(encodeCbor({ id: 11, op: 'decode', type: 'toString' })),
    id: 11,
  },
  { name: 'a type nobody knows', bytes: () => frameOf(encodeCbor({ id: 9, op: 'decode', type: 'song' })), id: 9 },
  { name: 'fields that are missing', bytes: () => frameOf(encodeCbor({ id: 10, op: 'decode', type: 'cbor' })), id: 10 },
  { name: 'a message one byte too long', bytes: () => frameOf(new Uint8Array(messageBytesMax + 1)) },
];

/** One line a hostile stream: null when it was refused as it should be and the process went on. */
export const checkHostile = async (implementation: Implementation): Promise<(readonly [string, string | null])[]> => {
  const found: (readonly [string, string | null])[] = [];
  for (const { name, bytes, id = null } of hostileStreams) {
    const refusal = judgeRefusal(await implementation.sendRaw(bytes()), id);
    const next = judgeHello(await implementation.ask({ op: 'hello' }));
    found.push([name, refusal ?? (next && `the question after it: ${next}`)]);
  }
  return found;
};

/** The same at the end of a stream: what is cut off is told, and the process ends by itself with code 0. */
export const checkEnd = async (start: () => Implementation): Promise<(readonly [string, string | null])[]> => {
  const orderly = await start().finish();
  const cutOff = await start().finish(concatBytes(hexBytes('00000010'), hexBytes('a2')));
  const isClean = (ended: string): string | null => (ended === 'code 0' ? null : `it ended with ${ended}`);
  return [
    ['a stream that ends', isClean(orderly.ended)],
    ['a stream that ends inside a message', (cutOff.last && judgeRefusal(cutOff.last, null)) ?? isClean(cutOff.ended)],
  ];
};

const judgeRefusal = (heard: Heard, id: number | null): string | null =>
  'silence' in heard
    ? heard.silence
    : mismatch({ id, error: { kind: 'request', reason: { $any: true } } }, heard.reply);

const judgeHello = (heard: Heard): string | null =>
  'silence' in heard ? heard.silence : mismatch({ ok: { stream: 1 } }, heard.reply);
