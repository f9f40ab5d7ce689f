import type { PairFacts, PairingPort } from '../kernel/ports/pairing.ts';
import { readPairFacts, writePairAnswer } from './pairing-sdp.ts';
import type { Pipe, PipeHandlers } from './pipe.ts';

/** Pairing over WebRTC: turns the browser's own offer into what a code holds, and the other's code into the answer to it. */
export const createPairingPort = (openPair: (handlers: PipeHandlers) => Pipe | null): PairingPort => ({
  open: (handlers) => {
    let own: PairFacts | null = null;
    const pipe: Pipe | null = openPair({
      described: (sdp) => {
        const facts = readPairFacts(sdp);
        if (!facts.ok) {
          pipe?.close();
          return handlers.closed(`description-unusable: ${facts.error}`);
        }
        own = facts.value;
        handlers.described(facts.value);
      },
      opened: handlers.opened,
      closed: handlers.closed,
    });
    if (!pipe) return null;
    return {
      connect: (other) => {
        if (own) pipe.accept(writePairAnswer(own, other));
      },
      close: pipe.close,
    };
  },
});
