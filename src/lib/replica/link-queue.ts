import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Link } from '../kernel/ports/links.ts';
import { createPace } from './pace.ts';

/**
 * The frames of one link's sync channel, worked off one after another in the order they came. A link that sends more in a
 * minute than one may is read more slowly, and nothing of it is lost; when too much waits the link ends, and the next one goes
 * on where this one stopped.
 */
export const createLinkQueue = (
  link: Link,
  deps: {
    readonly clock: Clock;
    readonly onFrame: (bytes: Uint8Array) => Promise<void>;
    readonly onRefused: (reason: string) => void;
  },
) => {
  const { clock, onFrame, onRefused } = deps;
  const frames = createPace(clock, limits.linkFramesPerMinuteMax);
  const volume = createPace(clock, limits.linkBytesPerMinuteMax);
  let work: Promise<void> = Promise.resolve();
  let queuedBytes = 0;
  let isClosed = false;

  const take = async (bytes: Uint8Array): Promise<void> => {
    await frames.take(1);
    await volume.take(bytes.length);
    if (!isClosed) await onFrame(bytes);
  };

  const stopFrames = link.onFrame('sync', (bytes) => {
    // A frame costs memory beside its bytes, so empty ones cannot fill it either.
    const cost = bytes.length + 64;
    queuedBytes += cost;
    if (queuedBytes > limits.syncQueueBytesMax) {
      onRefused('link-queue');
      return link.close('sync-queue-full');
    }
    work = work
      .then(() => (isClosed ? undefined : take(bytes)))
      .catch((error: unknown) => onRefused(error instanceof Error ? `bug: ${error.message}` : 'bug'))
      .finally(() => {
        queuedBytes -= cost;
      });
  });

  return {
    close: (): void => {
      isClosed = true;
      frames.close();
      volume.close();
      stopFrames();
    },
  };
};
