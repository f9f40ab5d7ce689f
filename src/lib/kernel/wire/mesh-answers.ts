import { encodeCbor, isCborBytes, isCborCount, isCborList, isCborMap, type Cbor } from '../codec.ts';
import { limits } from '../limits.ts';
import { ok, type Result } from '../result.ts';
import {
  answerNumbers,
  isCursor,
  isRequestNumber,
  meshVersion,
  readFields,
  type Bytes,
  type ClusterState,
  type FieldReader,
  type MeshAnswer,
  type MeshFeatures,
  type MeshIceServer,
} from './mesh-frames.ts';
import { isMeshRefusalCode, refuseMesh, type MeshFailure } from './mesh-refusals.ts';

/** The client's side. What it does not know (a frame of a newer server) is refused here and to be left alone; fields behind the known ones are not read. */
export const parseMeshAnswer = (frame: Uint8Array): Result<MeshAnswer, MeshFailure> => {
  const fields = readFields(frame, limits.meshAnswerBytesMax);
  if (!fields.ok) return fields;
  const [number, ...rest] = fields.value;
  const read = typeof number === 'number' ? readers.get(number) : undefined;
  if (read === undefined) return refuseMesh('unknown-frame');
  if (number === answerNumbers.challenge && rest[0] !== meshVersion) return refuseMesh('version-unknown');
  const answer = read(rest);
  return answer === null ? refuseMesh('frame-malformed') : ok(answer);
};

export const encodeMeshAnswer = (answer: MeshAnswer): Bytes => {
  const number = answerNumbers[answer.type];
  if (answer.type === 'challenge') return encodeCbor([number, meshVersion, answer.nonce]);
  if (answer.type === 'joined') {
    const iceServers = answer.iceServers.map(({ urls, username, credential }) => [urls, username, credential]);
    return encodeCbor([number, answer.id, answer.clockMs, iceServers, answer.features]);
  }
  if (answer.type === 'met') return encodeCbor([number, answer.tag, answer.near, answer.away]);
  if (answer.type === 'from') return encodeCbor([number, answer.from, answer.tag, answer.bytes]);
  if (answer.type === 'gone' || answer.type === 'busy') return encodeCbor([number, answer.to, answer.tag]);
  if (answer.type === 'kept') return encodeCbor([number, answer.request]);
  if (answer.type === 'mail') return encodeCbor([number, answer.request, answer.cursor, answer.items, answer.hasMore]);
  if (answer.type === 'moving') return encodeCbor([number]);
  return encodeCbor([number, answer.request, answer.code, answer.reason, answer.retryAfterMs]);
};

const readers: ReadonlyMap<number, FieldReader<MeshAnswer>> = new Map<number, FieldReader<MeshAnswer>>([
  [answerNumbers.challenge, ([, nonce]) => (isCborBytes(nonce, 32) ? { type: 'challenge', nonce } : null)],
  [
    answerNumbers.joined,
    ([id, clockMs, ice, known]) => {
      const iceServers = parseIceServers(ice);
      const features = parseFeatures(known);
      if (!isCborBytes(id, 16) || !isCborCount(clockMs) || iceServers === null || features === null) return null;
      return { type: 'joined', id, clockMs, iceServers, features };
    },
  ],
  [
    answerNumbers.met,
    ([tag, near, away]) => {
      if (!isCborBytes(tag, 32) || !isCborList(near) || !isCborCount(away)) return null;
      const ids = near.filter((id) => isCborBytes(id, 16));
      return ids.length === near.length && ids.length <= limits.meetSampleMax
        ? { type: 'met', tag, near: ids, away }
        : null;
    },
  ],
  [
    answerNumbers.from,
    ([from, tag, bytes]) =>
      isCborBytes(from, 16) && isCborBytes(tag, 32) && isCborBytes(bytes) ? { type: 'from', from, tag, bytes } : null,
  ],
  [answerNumbers.gone, ([to, tag]) => (isCborBytes(to, 16) && isCborBytes(tag, 32) ? { type: 'gone', to, tag } : null)],
  [answerNumbers.busy, ([to, tag]) => (isCborBytes(to, 16) && isCborBytes(tag, 32) ? { type: 'busy', to, tag } : null)],
  [answerNumbers.kept, ([request]) => (isRequestNumber(request) ? { type: 'kept', request } : null)],
  [
    answerNumbers.mail,
    ([request, cursor, found, hasMore]) => {
      if (!isRequestNumber(request) || !isCursor(cursor) || !isCborList(found) || typeof hasMore !== 'boolean')
        return null;
      const items = found.filter((item) => isCborBytes(item));
      if (items.length !== found.length || items.length > limits.mailItemsPerTakeMax) return null;
      return { type: 'mail', request, cursor, items, hasMore };
    },
  ],
  [
    answerNumbers.refused,
    ([request, code, reason, retryAfterMs]) => {
      if (!isCborCount(request) || !isMeshRefusalCode(code) || !isCborCount(retryAfterMs)) return null;
      if (typeof reason !== 'string' || reason.length > limits.mailCursorCharsMax) return null;
      return { type: 'refused', request, code, reason, retryAfterMs };
    },
  ],
  [answerNumbers.moving, () => ({ type: 'moving' })],
]);

const parseIceServers = (value: Cbor | undefined): readonly MeshIceServer[] | null => {
  if (!isCborList(value) || value.length > limits.meshIceServersMax) return null;
  const servers = value.map(parseIceServer).filter((server) => server !== null);
  return servers.length === value.length ? servers : null;
};

const parseIceServer = (value: Cbor): MeshIceServer | null => {
  if (!isCborList(value)) return null;
  const [urls, username, credential] = value;
  if (!isCborList(urls) || urls.length > limits.meshIceUrlsMax) return null;
  const texts = urls.filter(isIceText);
  if (texts.length !== urls.length || !isIceText(username) || !isIceText(credential)) return null;
  return { urls: texts, username, credential };
};

const isIceText = (value: Cbor | undefined): value is string =>
  typeof value === 'string' && value.length <= limits.meshIceTextCharsMax;

const parseFeatures = (value: Cbor | undefined): MeshFeatures | null => {
  if (!isCborMap(value)) return null;
  const { mailbox, cluster } = value;
  return typeof mailbox === 'boolean' && isClusterState(cluster) ? { mailbox, cluster } : null;
};

const isClusterState = (value: Cbor | undefined): value is ClusterState =>
  value === 'alone' || value === 'joined' || value === 'lost';
