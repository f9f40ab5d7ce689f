import { bytesToHex, compareBytes } from '../../src/lib/kernel/ids.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { PairAddress, PairFacts, PairHandlers, PairingPort } from '../../src/lib/kernel/ports/pairing.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import { createMemoryCarriers } from '../../src/lib/transports/memory-carriers.ts';
import { noFaults } from '../../src/lib/transports/memory-faults.ts';

type Half = { readonly facts: PairFacts; readonly handlers: PairHandlers; wants: string | null; isOver: boolean };

const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * Two phones in one room, without any network but themselves: a pipe stands as soon as each end was told of the other, by the
 * fingerprint. `addresses` is what the next code will name.
 */
export const createMemoryPairing = ({ clock, random }: { clock: Clock; random: Random }) => {
  const halvesByPrint = new Map<string, Half>();
  const words = (length: number): string => [...random.bytes(length)].map((byte) => base64[byte % 64] ?? 'A').join('');

  const tryConnect = (half: Half): void => {
    const other = halvesByPrint.get(half.wants ?? '');
    if (!other || other.wants !== bytesToHex(half.facts.fingerprint) || half.isOver || other.isOver) return;
    const isFirst = compareBytes(half.facts.fingerprint, other.facts.fingerprint) < 0;
    const halves = isFirst ? ([half, other] as const) : ([other, half] as const);
    const carriers = createMemoryCarriers({
      clock,
      random,
      faults: () => noFaults,
      names: ['leading', 'other'],
      isBlocked: () => false,
      closed: (end, reason) => halves[end].handlers.closed(reason),
    });
    halves.forEach(({ handlers }, at) => handlers.opened(carriers.ends[at === 0 ? 0 : 1]));
  };

  return {
    port: (addresses: readonly PairAddress[] = [{ host: '10.77.0.1', port: 50_000 }]): PairingPort => ({
      open: (handlers) => {
        const facts = { fingerprint: random.bytes(32), ufrag: words(4), password: words(24), addresses };
        const half: Half = { facts, handlers, wants: null, isOver: false };
        halvesByPrint.set(bytesToHex(facts.fingerprint), half);
        clock.after(0, () => {
          if (!half.isOver) handlers.described(facts);
        });
        return {
          connect: (other) => {
            half.wants = bytesToHex(other.fingerprint);
            tryConnect(half);
          },
          close: () => {
            half.isOver = true;
          },
        };
      },
    }),
    /** What the ends of open pipes are told, or those in the making: the browser has found something wrong. */
    failAll: (reason: string): void => {
      for (const { handlers } of halvesByPrint.values()) handlers.closed(reason);
    },
  };
};
export type MemoryPairing = ReturnType<typeof createMemoryPairing>;
