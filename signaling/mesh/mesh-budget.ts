import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import { createTokenBucket } from '../token-bucket.ts';

/** What one connection may ask of the server, in rates. */
export type MeshBudget = {
  /** Charges a frame in any case; the milliseconds after which more may be read, 0 at once. */
  chargeFrame(sizeBytes: number): number;
  /** Signatures, meetings and pages of mail: null when it may be done, else the milliseconds until then. */
  takeWork(): number | null;
  takeRefusal(): boolean;
};

export const createMeshBudget = (clock: Clock): MeshBudget => {
  const bucket = (perSecond: number, burst: number) => createTokenBucket({ clock, perSecond, burst });
  const frames = bucket(limits.meshRequestsPerSecond, limits.meshRequestBurst);
  const bytes = bucket(limits.meshBytesPerSecond, limits.meshByteBurst);
  const work = bucket(limits.meshWorkPerSecond, limits.meshWorkBurst);
  const refusals = bucket(limits.meshRefusalsPerSecond, limits.meshRefusalBurst);
  return {
    chargeFrame: (sizeBytes) => Math.max(frames.charge(1), bytes.charge(sizeBytes)),
    takeWork: () => (work.take(1) ? null : work.waitMs(1)),
    takeRefusal: () => refusals.take(1),
  };
};

/** How much mail each network address may leave, however many connections and keys it has. */
export type AddressMailBudget = (address: string, sizeBytes: number) => number | null;

export const createAddressMailBudget = (clock: Clock): AddressMailBudget => {
  const byAddress = new Map<string, ReturnType<typeof createTokenBucket>>();
  const options = {
    clock,
    perSecond: limits.mailBytesPerAddressPerSecond,
    burst: limits.mailByteBurstPerAddress,
  };
  return (address, sizeBytes) => {
    const bucket = byAddress.get(address) ?? createTokenBucket(options);
    // Used last goes last, so that the one forgotten is the one that was quiet for longest.
    byAddress.delete(address);
    byAddress.set(address, bucket);
    const [oldest] = byAddress.keys();
    if (byAddress.size > limits.mailAddressesMax && oldest !== undefined) byAddress.delete(oldest);
    return bucket.take(sizeBytes) ? null : bucket.waitMs(sizeBytes);
  };
};
