import { failureOfAbort } from '../kernel/bus/call.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { bytesToText, concatBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { CallInputs, LargeInput } from '../kernel/ports/call-inputs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Asking } from './asking.ts';
import { fetchPlace } from './fetch-place.ts';
import type { LentBlobs } from './lent-blobs.ts';
import {
  chunkCountOf,
  chunkLengthOf,
  encodeManifest,
  parseManifest,
  sealedMediaType,
  type Manifest,
} from './manifest.ts';
import { openChunk, plainSizeOf, sealChunk, sealedSliceBytes } from './sealed-chunks.ts';

export type CallInputsDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly lent: LentBlobs;
  /** The way to ask that device for bytes; null without a link. */
  readonly askingOf: (device: string) => Asking | null;
};

/** Long inputs of calls as blobs: cut, sealed and checked like any, but of one device for one other, for one call, in memory. */
export const createCallInputs = (deps: CallInputsDeps): CallInputs => {
  const { lent, askingOf } = deps;
  let lentBytes = 0;
  let fetchedBytes = 0;
  const fetchesByDevice = new Map<string, number>();

  const lend: CallInputs['lend'] = async (device, bytes) => {
    const size = bytes.length;
    if (size > limits.callInputBytesMax) return err(failure('too_large', 'input'));
    if (lentBytes + size > limits.callInputsBytesMax) return err(failure('quota_full', 'call-inputs'));
    lentBytes += size;
    const { cid, key, manifest, chunks } = await seal(deps, bytes);
    lent.lend(cid, { device, manifest, chunks });
    const release = (): void => {
      if (lent.read(device, cid, null) === null) return;
      lent.release(cid);
      lentBytes -= size;
    };
    return ok({ input: { cid, key, size }, release });
  };

  const fetch: CallInputs['fetch'] = async (device, input, signal) => {
    const running = fetchesByDevice.get(device) ?? 0;
    if (input.size > limits.callInputBytesMax) return err(failure('too_large', 'input'));
    if (running >= limits.callInputsPerPeerMax || fetchedBytes + input.size > limits.callInputsBytesMax)
      return err(failure('capacity_exceeded', 'call-inputs', 1_000));
    const asking = askingOf(device);
    if (!asking) return err(failure('unavailable', 'input-not-asked'));
    fetchesByDevice.set(device, running + 1);
    fetchedBytes += input.size;
    try {
      return await fetchInput(deps, asking, input, signal);
    } finally {
      fetchedBytes -= input.size;
      const left = (fetchesByDevice.get(device) ?? 1) - 1;
      if (left > 0) fetchesByDevice.set(device, left);
      else fetchesByDevice.delete(device);
    }
  };
  return { lend, fetch };
};

const seal = async ({ crypto, random }: Pick<CallInputsDeps, 'crypto' | 'random'>, bytes: Bytes) => {
  const key = random.bytes(32);
  const chunks: Bytes[] = [];
  const hashes: Bytes[] = [];
  for (let from = 0; from < bytes.length; from += sealedSliceBytes) {
    const chunk = await sealChunk(crypto, key, chunks.length, bytes.subarray(from, from + sealedSliceBytes));
    chunks.push(chunk);
    hashes.push(await crypto.sha256(chunk));
  }
  const size = chunks.reduce((total, chunk) => total + chunk.length, 0);
  const manifest = encodeManifest({ size, mediaType: sealedMediaType, hashes: concatBytes(...hashes) });
  return { cid: bytesToText(await crypto.sha256(manifest)), key, manifest, chunks };
};

type FetchDeps = Pick<CallInputsDeps, 'crypto' | 'clock'>;

const fetchInput = async (
  { crypto, clock }: FetchDeps,
  asking: Asking,
  { cid, key, size }: LargeInput,
  signal: AbortSignal,
): Promise<Result<Bytes, Failure>> => {
  const ask = (at: number | null) => fetchPlace({ clock, asking, cid, at, signal });
  const bytes = await ask(null);
  if (!bytes.ok) return bytes;
  const manifest = parseManifest(bytes.value);
  if (!manifest.ok || bytesToText(await crypto.sha256(bytes.value)) !== cid) return refusedAs('manifest');
  const count = chunkCountOf(manifest.value.size);
  if (plainSizeOf(manifest.value.size, count) !== size) return refusedAs('size');
  const open = async (at: number): Promise<Result<Bytes, Failure>> => {
    const chunk = await ask(at);
    if (!chunk.ok) return chunk;
    if (!(await isChunk(crypto, manifest.value, at, chunk.value))) return refusedAs('chunk');
    const plain = await openChunk(crypto, key, at, chunk.value);
    return plain ? ok(plain) : refusedAs('key');
  };
  const parts: Bytes[] = [];
  for (let first = 0; first < count; first += limits.callInputChunksAskedMax) {
    const places = Array.from(
      { length: Math.min(limits.callInputChunksAskedMax, count - first) },
      (_, at) => first + at,
    );
    for (const part of await Promise.all(places.map(open))) {
      if (!part.ok) return signal.aborted ? err(failureOfAbort(signal)) : part;
      parts.push(part.value);
    }
  }
  return ok(concatBytes(...parts));
};

const isChunk = async (crypto: CryptoPort, { size, hashes }: Manifest, at: number, chunk: Bytes): Promise<boolean> =>
  chunk.length === chunkLengthOf(size, at) &&
  bytesToText(await crypto.sha256(chunk)) === bytesToText(hashes.subarray(at * 32, at * 32 + 32));

const refusedAs = (what: 'manifest' | 'size' | 'chunk' | 'key') => err(failure('bad_request', `input-${what}`));
