import { safeParse } from 'valibot';
import { decodeCbor, encodeCbor, isCborMap, type Cbor } from '../../src/lib/kernel/codec.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { answerWorks } from './answer.ts';
import { authorizeWorks } from './authorize.ts';
import { decodeWorks } from './decode.ts';
import { deriveWorks } from './derive.ts';
import { encodeWorks } from './encode.ts';
import { messageBytesMax } from './framing.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { object } from 'valibot';
import { work, type Judged, type Work } from './op.ts';
import { schemaWorks } from './schemas.ts';
import { verifyWorks } from './verify.ts';

/** The version of the stream itself: what docs/CONFORMANCE.md says. */
export const streamVersion = 1;

/**
 * Answers one message of the conformance stream. Total: for any bytes there is a reply, `ok` or `error`, and nothing that was asked
 * changes what is answered later.
 */
export const answerMessage = async (message: Uint8Array): Promise<Bytes> => {
  const request = decodeCbor(message);
  if (!request.ok) return refuseRequest(null, `cbor-${request.error}`);
  if (!isCborMap(request.value)) return refuseRequest(null, 'not-a-map');
  const { id = null, op, type = '' } = request.value;
  if (!isRequestId(id)) return refuseRequest(null, 'id');
  const works = typeof op === 'string' && Object.hasOwn(ops, op) ? ops[op] : undefined;
  if (!works) return refuseRequest(id, 'op-unknown');
  const asked = typeof type === 'string' && Object.hasOwn(works, type) ? works[type] : undefined;
  if (!asked) return refuseRequest(id, 'type-unknown');
  const fields = safeParse(asked.fields, request.value);
  if (!fields.success) return refuseRequest(id, 'fields', fields.issues[0]);
  return replyWith(id, await judge(asked, fields.output));
};

/** A request that could not even be read, or is none of ours. */
export const refuseRequest = (
  id: number | null,
  reason: string,
  issue?: { readonly message: string; readonly path?: readonly { readonly key: unknown }[] | undefined },
): Bytes => {
  const path = issue?.path?.map(({ key }) => String(key)).join('.') ?? '';
  const detail = issue ? { detail: `${path} ${issue.message}`.trim() } : {};
  return encodeCbor({ id, error: { kind: 'request', reason, ...detail } });
};

const isRequestId = (id: Cbor): id is number => typeof id === 'number' && id >= 0;

const judge = async (asked: Work, fields: unknown): Promise<Judged | { readonly broke: string }> => {
  try {
    return await asked.run(fields);
  } catch (error) {
    return { broke: error instanceof Error ? error.message : 'something was thrown' };
  }
};

const replyWith = (id: number, answer: Judged | { readonly broke: string }): Bytes => {
  if ('broke' in answer) return encodeCbor({ id, error: { kind: 'internal', reason: answer.broke.slice(0, 200) } });
  if (!answer.ok) return encodeCbor({ id, error: { kind: 'refused', ...answer.error } });
  try {
    const reply = encodeCbor({ id, ok: answer.value });
    return reply.length <= messageBytesMax ? reply : refuseRequest(id, 'reply-too-large');
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return encodeCbor({ id, error: { kind: 'internal', reason: error.message.slice(0, 200) } });
  }
};

const helloWorks = {
  '': work(object({}), () =>
    ok({
      name: 'hearthnet',
      stream: streamVersion,
      messageBytesMax,
      ops: Object.fromEntries(Object.entries(ops).map(([op, works]) => [op, Object.keys(works)])),
    }),
  ),
};

/** By op and type; an op without types has one work under ''. */
const ops: Readonly<Record<string, Readonly<Record<string, Work>>>> = {
  hello: helloWorks,
  decode: decodeWorks,
  encode: encodeWorks,
  verify: verifyWorks,
  derive: deriveWorks,
  authorize: authorizeWorks,
  answer: answerWorks,
  schemas: schemaWorks,
};
