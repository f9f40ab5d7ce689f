import { createSignal } from '../kernel/watch.ts';

/** Who listens to the blobs: to any change, to each chunk that arrived, and to blobs in which the disk spoiled something. */
export const createBlobListeners = () => {
  const changed = createSignal();
  const onChunk = new Set<(cid: string, index: number) => void>();
  const onDamaged = new Set<(cid: string) => void>();
  return {
    changed: changed.tell,
    chunk: (cid: string, index: number): void => {
      for (const listener of onChunk) listener(cid, index);
    },
    damaged: (cid: string): void => {
      for (const listener of onDamaged) listener(cid);
      changed.tell();
    },
    onChange: changed.on,
    onChunk: (listener: (cid: string, index: number) => void): (() => void) => {
      onChunk.add(listener);
      return () => void onChunk.delete(listener);
    },
    onDamaged: (listener: (cid: string) => void): (() => void) => {
      onDamaged.add(listener);
      return () => void onDamaged.delete(listener);
    },
  };
};
export type BlobListeners = ReturnType<typeof createBlobListeners>;
