/** What a bench hands to bench-one.mjs; a figure that never came about is null, and the report says why. */
export type BenchResult = {
  readonly figures: Record<string, Figure>;
  readonly peers: Record<string, Record<string, Figure>>;
};
export type Figure = number | boolean | null | string | { readonly [key: string]: Figure };

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value below which a share of the samples lies, the next higher sample where it falls between two. NaN of none. */
export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

export const rounded = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** Polls until it holds or the time is over; the milliseconds it took, or null when it never came. */
export const waitUntil = async (
  holds: () => boolean | Promise<boolean>,
  limitMs: number,
  everyMs = 5,
): Promise<number | null> => {
  const start = performance.now();
  while (!(await holds())) {
    if (performance.now() - start > limitMs) return null;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return performance.now() - start;
};

/** Says on stderr what is being measured now; stdout is for the figures. */
export const note = (text: string): void => console.error(`  ${text}`);
