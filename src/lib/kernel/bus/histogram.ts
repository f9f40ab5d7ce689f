/**
 * How long things took, in buckets that grow: a quantile is within 4.5 % of the exact one (of the nearest rank), whatever came
 * in and however much; below half a millisecond it is told as 0. At most 221 numbers, merged by adding.
 */
export const createHistogram = (): Histogram => {
  const countByBucket = new Map<number, number>();
  let total = 0;
  const put = (bucket: number, count: number): void => {
    countByBucket.set(bucket, (countByBucket.get(bucket) ?? 0) + count);
    total += count;
  };
  return {
    add: (ms: number): void => put(bucketOf(ms), 1),
    addAll: (other: Histogram): void => {
      for (const [bucket, count] of other.buckets()) put(bucket, count);
    },
    quantile: (share: number): number => {
      let left = Math.max(1, Math.ceil(share * total));
      for (const [bucket, count] of [...countByBucket].toSorted(([a], [b]) => a - b)) {
        left -= count;
        if (left <= 0) return valueOf(bucket);
      }
      return 0;
    },
    buckets: (): Iterable<readonly [bucket: number, count: number]> => countByBucket,
  };
};
export type Histogram = {
  add(ms: number): void;
  addAll(other: Histogram): void;
  /** In milliseconds; `share` is 0.5 for the median. 0 when nothing has been put in. */
  quantile(share: number): number;
  buckets(): Iterable<readonly [bucket: number, count: number]>;
};

/** Each bucket is 9 % wider than the one below; its middle is then at most 4.3 % from whatever is in it. */
const growth = 1.09;
const leastMs = 0.5;
const mostMs = 24 * 3600_000;

const bucketOf = (ms: number): number =>
  ms >= leastMs ? 1 + Math.floor(Math.log(Math.min(ms, mostMs) / leastMs) / Math.log(growth)) : 0;

const valueOf = (bucket: number): number =>
  bucket === 0 ? 0 : (leastMs * growth ** (bucket - 1) * 2 * growth) / (1 + growth);
