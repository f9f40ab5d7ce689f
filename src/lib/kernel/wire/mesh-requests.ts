import { encodeCbor, isCborBytes, isCborCount, type Cbor } from '../codec.ts';
import { limits } from '../limits.ts';
import { ok, type Result } from '../result.ts';
import {
  isCursor,
  isRequestNumber,
  readFields,
  requestNumbers,
  type Bytes,
  type FieldReader,
  type MeshRequest,
} from './mesh-frames.ts';
import { refuseMesh, type MeshFailure } from './mesh-refusals.ts';

/** The server's side. Total: a request or one refusal of a closed list, whatever bytes come; a field too many is refused too. */
export const parseMeshRequest = (frame: Uint8Array): Result<MeshRequest, MeshFailure> => {
  const fields = readFields(frame, limits.meshRequestBytesMax);
  if (!fields.ok) return fields;
  const [number, ...rest] = fields.value;
  const read = typeof number === 'number' ? readers.get(number) : undefined;
  if (read === undefined) return refuseMesh('unknown-frame');
  const request = read(rest);
  if (request === null) return refuseMesh('frame-malformed');
  if (request.type === 'send' && request.bytes.length > limits.meshSendBytesMax) return refuseMesh('bytes-too-large');
  return ok(request);
};

export const encodeMeshRequest = (request: MeshRequest): Bytes => {
  const number = requestNumbers[request.type];
  if (request.type === 'join') return encodeCbor([number, request.key, request.signature]);
  if (request.type === 'meet' || request.type === 'part') return encodeCbor([number, request.tag]);
  if (request.type === 'send') return encodeCbor([number, request.to, request.tag, request.bytes]);
  if (request.type === 'open') return encodeCbor([number, request.box, request.signature]);
  if (request.type === 'put')
    return encodeCbor([number, request.request, request.box, request.keepSeconds, request.item]);
  return encodeCbor([number, request.request, request.box, request.cursor, request.most]);
};

const isMost = (value: Cbor | undefined): value is number =>
  typeof value === 'number' && value > 0 && value <= limits.mailItemsPerTakeMax;

const readers: ReadonlyMap<number, FieldReader<MeshRequest>> = new Map<number, FieldReader<MeshRequest>>([
  [
    requestNumbers.join,
    ([key, signature, ...rest]) =>
      isCborBytes(key, 32) && isCborBytes(signature, 64) && rest.length === 0 ? { type: 'join', key, signature } : null,
  ],
  [requestNumbers.meet, ([tag, ...rest]) => (isCborBytes(tag, 32) && rest.length === 0 ? { type: 'meet', tag } : null)],
  [requestNumbers.part, ([tag, ...rest]) => (isCborBytes(tag, 32) && rest.length === 0 ? { type: 'part', tag } : null)],
  [
    requestNumbers.send,
    ([to, tag, bytes, ...rest]) =>
      isCborBytes(to, 16) && isCborBytes(tag, 32) && isCborBytes(bytes) && rest.length === 0
        ? { type: 'send', to, tag, bytes }
        : null,
  ],
  [
    requestNumbers.open,
    ([box, signature, ...rest]) =>
      isCborBytes(box, 32) && isCborBytes(signature, 64) && rest.length === 0 ? { type: 'open', box, signature } : null,
  ],
  [
    requestNumbers.put,
    ([request, box, keepSeconds, item, ...rest]) =>
      isRequestNumber(request) &&
      isCborBytes(box, 32) &&
      isCborCount(keepSeconds) &&
      isCborBytes(item) &&
      rest.length === 0
        ? { type: 'put', request, box, keepSeconds, item }
        : null,
  ],
  [
    requestNumbers.take,
    ([request, box, cursor, most, ...rest]) =>
      isRequestNumber(request) && isCborBytes(box, 32) && isCursor(cursor) && isMost(most) && rest.length === 0
        ? { type: 'take', request, box, cursor, most }
        : null,
  ],
]);
