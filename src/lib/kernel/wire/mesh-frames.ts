import { decodeCbor, isCborList, type Cbor } from '../codec.ts';
import { limits } from '../limits.ts';
import { ok, type Result } from '../result.ts';
import { refuseMesh, type MeshFailure, type MeshRefusalCode } from './mesh-refusals.ts';

/**
 * What a client says on the server's own socket, `/mesh`: binary frames, each one deterministic CBOR array `[type number, ...]`.
 * `request` is the client's own number (1 and up) by which the answer to a `put` or a `take` is told from others.
 */
export type MeshRequest =
  | { readonly type: 'join'; readonly key: Bytes; readonly signature: Bytes }
  | { readonly type: 'meet'; readonly tag: Bytes }
  | { readonly type: 'part'; readonly tag: Bytes }
  | { readonly type: 'send'; readonly to: Bytes; readonly tag: Bytes; readonly bytes: Bytes }
  | { readonly type: 'open'; readonly box: Bytes; readonly signature: Bytes }
  | {
      readonly type: 'put';
      readonly request: number;
      readonly box: Bytes;
      readonly keepSeconds: number;
      readonly item: Bytes;
    }
  | {
      readonly type: 'take';
      readonly request: number;
      readonly box: Bytes;
      readonly cursor: string;
      readonly most: number;
    };

/** What the server says. `away` counts who met at the tag in the last two weeks and is not there now. A refusal's `request` is 0 where none was numbered. */
export type MeshAnswer =
  | { readonly type: 'challenge'; readonly nonce: Bytes }
  | {
      readonly type: 'joined';
      readonly id: Bytes;
      readonly clockMs: number;
      readonly iceServers: readonly MeshIceServer[];
      readonly features: MeshFeatures;
    }
  | { readonly type: 'met'; readonly tag: Bytes; readonly near: readonly Bytes[]; readonly away: number }
  | { readonly type: 'from'; readonly from: Bytes; readonly tag: Bytes; readonly bytes: Bytes }
  | { readonly type: 'gone'; readonly to: Bytes; readonly tag: Bytes }
  | { readonly type: 'busy'; readonly to: Bytes; readonly tag: Bytes }
  | { readonly type: 'kept'; readonly request: number }
  | {
      readonly type: 'mail';
      readonly request: number;
      readonly cursor: string;
      readonly items: readonly Bytes[];
      readonly hasMore: boolean;
    }
  | {
      readonly type: 'refused';
      readonly request: number;
      readonly code: MeshRefusalCode;
      readonly reason: string;
      readonly retryAfterMs: number;
    }
  | { readonly type: 'moving' };

/** A TURN server with credentials that end by themselves; the shape of RTCIceServer. */
export type MeshIceServer = {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
};

/** `alone`: one process by design; `joined`: one of several; `lost`: one of several that does not hear the others now. */
export type MeshFeatures = { readonly mailbox: boolean; readonly cluster: ClusterState };
export type ClusterState = 'alone' | 'joined' | 'lost';

export type Bytes = Uint8Array<ArrayBuffer>;

export const meshVersion = 1;
export const requestNumbers = { join: 1, meet: 2, part: 3, send: 4, open: 5, put: 6, take: 7 } as const;
export const answerNumbers = {
  challenge: 32,
  joined: 33,
  met: 34,
  from: 35,
  gone: 36,
  busy: 37,
  kept: 38,
  mail: 39,
  refused: 40,
  moving: 41,
} as const;

/** The fields after the type number, or null when they are not that frame's. */
export type FieldReader<T> = (fields: readonly Cbor[]) => T | null;

/** The size comes first: what is too large is never decoded. */
export const readFields = (frame: Uint8Array, bytesMax: number): Result<readonly Cbor[], MeshFailure> => {
  if (frame.length > bytesMax) return refuseMesh('frame-too-large');
  const decoded = decodeCbor(frame);
  if (!decoded.ok) return refuseMesh('not-cbor');
  return isCborList(decoded.value) ? ok(decoded.value) : refuseMesh('frame-malformed');
};

export const isRequestNumber = (value: Cbor | undefined): value is number => typeof value === 'number' && value > 0;

export const isCursor = (value: Cbor | undefined): value is string =>
  typeof value === 'string' && value.length <= limits.mailCursorCharsMax;
