/** A stretch of lines of the old text that others stand for in the new one. */
export type Hunk = { readonly from: number; readonly removed: readonly string[]; readonly added: readonly string[] };

const cellsMax = 4_000_000;

/** In which lines two texts differ, by their longest common subsequence; null when they are too long to compare. */
export const lineDifference = (before: string, after: string): Hunk[] | null => {
  const old = before.split('\n');
  const next = after.split('\n');
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, next.length) - start && old[old.length - 1 - end] === next[next.length - 1 - end])
    end += 1;
  const a = old.slice(start, old.length - end);
  const b = next.slice(start, next.length - end);
  if ((a.length + 1) * (b.length + 1) > cellsMax) return null;
  return hunksOf(a, b, start);
};

const hunksOf = (a: readonly string[], b: readonly string[], start: number): Hunk[] => {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
  const hunks: { from: number; removed: string[]; added: string[] }[] = [];
  let open: (typeof hunks)[number] | null = null;
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      open = null;
      i += 1;
      j += 1;
      continue;
    }
    if (!open) hunks.push((open = { from: start + i, removed: [], added: [] }));
    const isAddition =
      j < b.length && (i >= a.length || (common[i * width + j + 1] ?? 0) >= (common[(i + 1) * width + j] ?? 0));
    if (isAddition) open.added.push(b[j++] ?? '');
    else open.removed.push(a[i++] ?? '');
  }
  return hunks;
};

/**
 * The difference between `base` and `theirs`, made in `ours`, which has gone on since: bottom to top, each as the whole text
 * after it and where it ends. Lines that we have changed meanwhile stay as they are.
 */
export const mergeSteps = (base: string, theirs: string, ours: string): { text: string; end: number }[] | null => {
  const wanted = lineDifference(base, theirs);
  const done = lineDifference(base, ours);
  if (!wanted || !done) return null;
  const steps: { text: string; end: number }[] = [];
  let lines = ours.split('\n');
  for (const { from, removed, added } of wanted.toReversed()) {
    const touched = done.some((hunk) => hunk.from < from + removed.length && from < hunk.from + hunk.removed.length);
    const before = done.filter((hunk) => hunk.from + hunk.removed.length <= from);
    const at = from + before.reduce((sum, hunk) => sum + hunk.added.length - hunk.removed.length, 0);
    const isKept = touched || removed.some((line, index) => lines[at + index] !== line);
    const put = isKept ? Math.min(lines.length, at + removed.length) : at;
    lines = [...lines.slice(0, put), ...added, ...lines.slice(isKept ? put : at + removed.length)];
    steps.push({ text: lines.join('\n'), end: lines.slice(0, put + added.length).join('\n').length });
  }
  return steps;
};
