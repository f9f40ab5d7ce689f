import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Proof } from '../log/fork.ts';

export type ToldProofsDeps = {
  readonly log: Pick<EventLog, 'forks' | 'proofAt' | 'receiveProof'>;
  /** May the neighbour see this lane? */
  readonly mayLane: (lane: number) => boolean;
  readonly send: (proof: Bytes) => void;
  readonly onRefused: (reason: string) => void;
};

/** The fork proofs that have gone over one link, either way: nothing is told twice. */
export const createToldProofs = ({ log, mayLane, send, onRefused }: ToldProofsDeps) => {
  const told = new Set<string>();

  /** Its last bytes, a signature, tell a proof from any other. True the first time. */
  const mark = (bytes: Bytes): boolean => {
    // A neighbour who makes up ever more of them is told some twice.
    if (told.size >= limits.stateVectorEntriesMax) told.clear();
    return told.size !== told.add(bytesToText(bytes.subarray(-32))).size;
  };
  const tell = ({ lane, bytes }: Proof): void => {
    if (mayLane(lane) && mark(bytes)) send(bytes);
  };
  return {
    tell,
    /** All that are held, of the lanes the neighbour may see. */
    tellAll: (): void =>
      log.forks().forEach(({ device, lane }) => {
        const proof = log.proofAt(device, lane);
        if (proof) tell(proof);
      }),
    take: async (bytes: Bytes, source: string): Promise<void> => {
      mark(bytes);
      const taken = await log.receiveProof(bytes, source);
      if (!taken.ok) onRefused(taken.error);
    },
  };
};
export type ToldProofs = ReturnType<typeof createToldProofs>;
