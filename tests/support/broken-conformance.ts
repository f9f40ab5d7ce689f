import { decodeCbor, encodeCbor, isCborMap, type Cbor } from '../../src/lib/kernel/codec.ts';
import { answerMessage, refuseRequest } from '../conformance/conformance.ts';
import { frameOf, readMessages } from '../conformance/framing.ts';

/*
 * An implementation of the conformance stream with one thing wrong, for the test that the suite finds it:
 * `gullible` takes every signature, `open` lets everybody in, `old` knows fewer types, `brittle` leaves at the first rubbish,
 * `mute` says nothing at all.
 */
const fault = process.argv[2] ?? '';

const answer = async (message: Uint8Array): Promise<Uint8Array> => {
  const request = decodeCbor(message);
  const { id = null, op = '', type = '' } = request.ok && isCborMap(request.value) ? request.value : {};
  if (fault === 'brittle' && op === '') process.exit(3);
  if (fault === 'gullible' && op === 'verify' && type === 'signature') return encodeCbor({ id, ok: { holds: true } });
  if (fault === 'open' && op === 'authorize') return encodeCbor({ id, ok: { allowed: true, read: true, handled: 1 } });
  const reply = await answerMessage(message);
  return fault === 'old' && op === 'hello' ? withFewerTypes(reply) : reply;
};

const withFewerTypes = (reply: Uint8Array): Uint8Array => {
  const told = decodeCbor(reply);
  const { id = null, ok = null } = told.ok && isCborMap(told.value) ? told.value : {};
  if (!isCborMap(ok) || !isCborMap(ok['ops'])) return reply;
  const { answer: _answer, ...ops } = ok['ops'] as { readonly [op: string]: Cbor };
  return encodeCbor({ id, ok: { ...ok, ops } });
};

for await (const part of readMessages(process.stdin)) {
  if (fault === 'mute') continue;
  const reply = part.kind === 'message' ? await answer(part.bytes) : refuseRequest(null, part.kind);
  process.stdout.write(frameOf(reply));
}
