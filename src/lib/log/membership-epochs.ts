import { bytesToText } from '../kernel/ids.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { compareRanks } from './authority-index.ts';
import type { AuthorityOutcome } from './authority-fold.ts';
import type { Judged } from './authority-case.ts';
import { knows, type SettledAct } from './past.ts';

/** An epoch of the community key, opened by a trusted person. It is what it is by its name and check together. */
export type Epoch = {
  readonly epoch: string;
  readonly check: Bytes;
  readonly hlc: number;
  readonly eventId: string;
  /** The person who opened it. */
  readonly by: string;
};
/** The key of an epoch, sealed to one device by whoever let it in. Believed only when it fits the epoch's check. */
export type SealedKey = { readonly device: string; readonly epoch: string; readonly sealedKey: Bytes };

type Opening = { readonly act: SettledAct; readonly judged: Judged; readonly epoch: string; readonly check: Bytes };

/**
 * The epochs, the current one last: no other has it in its past; of several such the one of the most senior author, then the
 * smaller id. Taken away one by one from the end. No clock takes part, so a date in the far future holds nobody.
 */
export const foldEpochs = (acts: readonly SettledAct[], { judgedById }: AuthorityOutcome): Epoch[] => {
  const openings = readOpenings(acts, judgedById);
  const knownBy = openings.map(({ act }) => openings.filter((other) => knows(other.act.past, act)).length);
  const left = new Set(openings.keys());
  const newestFirst: Opening[] = [];
  while (left.size > 0) {
    let current = -1;
    for (const at of left) if (knownBy[at] === 0 && isBefore(openings[at], openings[current])) current = at;
    const opening = openings[current];
    if (!opening) break;
    left.delete(current);
    newestFirst.push(opening);
    for (const at of left) {
      const other = openings[at];
      if (other && knows(opening.act.past, other.act)) knownBy[at] = (knownBy[at] ?? 1) - 1;
    }
  }
  return newestFirst.toReversed().map(({ act, judged, epoch, check }) => ({
    epoch,
    check,
    hlc: act.entry.event.header.hlc,
    eventId: act.id,
    by: judged.person,
  }));
};

/** Acts come in causal order, so the first that names an epoch opened it; of two that did not know of each other the senior's. */
const readOpenings = (acts: readonly SettledAct[], judgedById: ReadonlyMap<string, Judged>): Opening[] => {
  const openings = new Map<string, Opening>();
  for (const act of acts) {
    const judged = judgedById.get(act.id);
    if (!judged || typeof act.effect === 'string' || act.effect.kind !== 'community.key') continue;
    const { body } = act.effect;
    const opening: Opening = { act, judged, epoch: bytesToText(body.epoch), check: body.check.slice() as Bytes };
    const key = `${opening.epoch} ${bytesToText(opening.check)}`;
    const known = openings.get(key);
    if (!known || (!knows(act.past, known.act) && isBefore(opening, known))) openings.set(key, opening);
  }
  return [...openings.values()];
};

const isBefore = (a: Opening | undefined, b: Opening | undefined): boolean =>
  a !== undefined &&
  (b === undefined || (compareRanks(a.judged.rank, b.judged.rank) || (a.act.id < b.act.id ? -1 : 1)) < 0);

/** Everything that was sealed by an act that has effect, in causal order. */
export const foldSealedKeys = (
  acts: readonly SettledAct[],
  outcome: AuthorityOutcome,
  deviceNamedBy: (id: string) => string | null,
): SealedKey[] => {
  const keys: SealedKey[] = [];
  for (const { id, effect } of acts) {
    if (!outcome.judgedById.has(id) || typeof effect === 'string') continue;
    if (effect.kind === 'community.key') {
      const epoch = bytesToText(effect.body.epoch);
      for (const { device, sealedKey } of effect.body.sealed)
        keys.push({ device: bytesToText(device), epoch, sealedKey: sealedKey as Bytes });
    }
    if (effect.kind !== 'community.admit' && effect.kind !== 'device.add') continue;
    const device = deviceNamedBy(id);
    const { epoch, sealedKey } = effect.body;
    if (device !== null) keys.push({ device, epoch: bytesToText(epoch), sealedKey: sealedKey as Bytes });
  }
  return keys;
};
