/** One passage of an answer. `score` is BM25; `coverage` is 0..1, the share of the question's weight the passage holds. */
export type Hit = {
  readonly id: string;
  readonly cid: string;
  readonly index: number;
  readonly score: number;
  readonly coverage: number;
};

/**
 * Keeps the k best of many hits in a heap whose worst stands on top. Equal scores fall back on cid and place in the document,
 * so the order never depends on what was added first.
 */
export const createBestHits = (k: number): { readonly worst: () => number; offer(hit: Hit): void; sorted(): Hit[] } => {
  const heap: Hit[] = [];

  const siftUp = (from: number): void => {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!swapIfWorse(child, parent)) return;
      child = parent;
    }
  };
  const siftDown = (): void => {
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const worse = isWorse(heap[right], heap[left]) ? right : left;
      if (!swapIfWorse(worse, parent)) return;
      parent = worse;
    }
  };
  const swapIfWorse = (below: number, above: number): boolean => {
    const a = heap[below];
    const b = heap[above];
    if (a === undefined || b === undefined || !isWorse(a, b)) return false;
    heap[below] = b;
    heap[above] = a;
    return true;
  };

  return {
    worst: () => (heap.length < k ? Number.NEGATIVE_INFINITY : (heap[0]?.score ?? 0)),
    offer: (hit) => {
      if (heap.length < k) {
        heap.push(hit);
        siftUp(heap.length - 1);
      } else if (isWorse(heap[0], hit)) {
        heap[0] = hit;
        siftDown();
      }
    },
    sorted: () => heap.toSorted(compareHits),
  };
};

/** Best first. */
export const compareHits = (a: Hit, b: Hit): number => {
  if (a.score !== b.score) return b.score - a.score;
  if (a.cid !== b.cid) return a.cid < b.cid ? -1 : 1;
  return a.index - b.index;
};

const isWorse = (a: Hit | undefined, b: Hit | undefined): boolean =>
  a !== undefined && b !== undefined && compareHits(a, b) > 0;
