import { createHash } from 'node:crypto';

/** Everything that happened in a run, in order, as one hash: two runs of a seed must agree on it. */
export type Trace = {
  note(what: string, bytes?: Uint8Array): void;
  count(): number;
  hash(): string;
  /** A few words on each note, when they were asked to be kept: the first that differs tells where two runs part. */
  readonly lines: readonly string[];
};

export const createTrace = (keepLines: boolean, nowMs: () => number): Trace => {
  const hash = createHash('sha256');
  const lines: string[] = [];
  let count = 0;
  return {
    note: (what, bytes) => {
      count += 1;
      hash.update(what);
      if (bytes) hash.update(bytes);
      if (keepLines)
        lines.push(
          `${nowMs()} ` +
            (bytes
              ? `${what} ${createHash('sha256').update(bytes).digest('base64url').slice(0, 8)} ${bytes.length} bytes`
              : what),
        );
    },
    count: () => count,
    hash: () => hash.copy().digest('base64url').slice(0, 22),
    lines,
  };
};
