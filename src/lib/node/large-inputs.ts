import type { Asking } from '../blobs/asking.ts';
import type * as CallInputsPart from '../blobs/call-inputs.ts';
import { createLentBlobs } from '../blobs/lent-blobs.ts';
import { failure } from '../kernel/errors.ts';
import type { CallInputs } from '../kernel/ports/call-inputs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err } from '../kernel/result.ts';
import type { LoadPart } from './load-part.ts';

export type LargeInputsDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly load: LoadPart<Pick<typeof CallInputsPart, 'createCallInputs'>>;
};

/** Long inputs of calls, for the calls and for the blobs that carry them. Most nodes never send one: what does the work is loaded then. */
export const createLargeInputs = ({ load, ...deps }: LargeInputsDeps) => {
  const lent = createLentBlobs();
  let askingOf = (_device: string): Asking | null => null;
  let loaded: CallInputs | null = null;
  const work = async (): Promise<CallInputs | null> => {
    if (loaded) return loaded;
    const part = await load();
    // Two who came at once share what the first made: the bounds are of this device.
    if (part.ok) loaded ??= part.value.createCallInputs({ ...deps, lent, askingOf: (device) => askingOf(device) });
    return loaded;
  };
  const notLoaded = err(failure('unavailable', 'part-not-loaded'));
  const inputs: CallInputs = {
    lend: async (device, bytes) => (await work())?.lend(device, bytes) ?? notLoaded,
    fetch: async (device, input, signal) => (await work())?.fetch(device, input, signal) ?? notLoaded,
  };
  return {
    inputs,
    lent,
    /** The blobs' side, which is made after the calls'. */
    askThrough: (of: (device: string) => Asking | null): void => void (askingOf = of),
  };
};
export type LargeInputs = ReturnType<typeof createLargeInputs>;
