import { encodeCbor, type Cbor } from '../codec.ts';
import { failure, type Failure, type FailureCode } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import { err, type Result } from '../result.ts';

/** A call that must not be done twice, as its caller names it. `capability` is its id, `input` what came over the link. */
export type NamedCall = {
  readonly device: string;
  readonly clientId: string;
  readonly capability: string;
  readonly input: unknown;
};

type Answer = Result<unknown, Failure>;
type Entry = {
  readonly device: string;
  readonly content: string;
  answer: Promise<Answer>;
  isDone: boolean;
  bytes: number;
  doneAt: number;
};

type Kept = { entries: number; bytes: number };

/** Seen before: its answer, perhaps still to come. New: whoever runs it says how it ended, once. */
export type Entered =
  | { readonly isNew: false; readonly answer: Promise<Answer> }
  | { readonly isNew: true; readonly settle: (answer: Answer, wasCut: boolean) => void };

/** Nothing was done, so the same call may be tried again. */
const undone: ReadonlySet<FailureCode> = new Set(['capacity_exceeded', 'not_found', 'rate_limited', 'unavailable']);

/**
 * What became of neighbours' calls that must not be done twice, by caller and client id: a repetition joins the one under way or is
 * given the same answer, for `limits.repeatMs`. Bounded a caller and in all; what is under way is never forgotten, and where
 * nothing else is left to forget, a new call is refused.
 */
export const createRepeatBook = ({ clock }: { readonly clock: Clock }) => {
  const entriesByKey = new Map<string, Entry>();
  const keptByDevice = new Map<string, Kept>();
  const keptInAll: Kept = { entries: 0, bytes: 0 };
  const keyOf = (device: string, clientId: string): string => `${device} ${clientId}`;
  const keptOf = (device: string): Kept => keptByDevice.get(device) ?? { entries: 0, bytes: 0 };

  const count = (device: string, entries: number, bytes: number): void => {
    const own = keptOf(device);
    for (const kept of [own, keptInAll]) {
      kept.entries += entries;
      kept.bytes += bytes;
    }
    if (own.entries > 0) keptByDevice.set(device, own);
    else keptByDevice.delete(device);
  };
  const forget = (key: string, { device, bytes }: Entry): void => {
    if (entriesByKey.delete(key)) count(device, -1, -bytes);
  };

  /** Forgets the oldest answers, of one device or of all, until `isWithin` holds; false when it cannot. */
  const thin = (device: string | null, isWithin: () => boolean): boolean => {
    if (isWithin()) return true;
    for (const [key, entry] of entriesByKey) {
      if (!entry.isDone || (device !== null && entry.device !== device)) continue;
      forget(key, entry);
      if (isWithin()) return true;
    }
    return false;
  };
  const isOld = (entry: Entry): boolean => entry.isDone && Math.abs(clock.now() - entry.doneAt) >= limits.repeatMs;
  const forgetOld = (): void => {
    for (const [key, entry] of entriesByKey) {
      if (isOld(entry)) forget(key, entry);
      else if (entry.isDone) return;
    }
  };
  const hasRoomFor = (device: string): boolean =>
    thin(device, () => keptOf(device).entries < limits.repeatsPerCallerMax) &&
    thin(null, () => keptInAll.entries < limits.repeatsMax);

  const settle = (key: string, entry: Entry, answer: Answer): void => {
    const { device } = entry;
    entry.isDone = true;
    if (!answer.ok && undone.has(answer.error.code)) return forget(key, entry);
    const bytes = answer.ok ? (cborOf(answer.value)?.length ?? Infinity) : 0;
    const isKept = bytes <= limits.repeatBytesPerCallerMax;
    if (!isKept) entry.answer = refused(failure('unknown_outcome', 'answer-not-kept'));
    entry.doneAt = clock.now();
    entry.bytes = isKept ? bytes : 0;
    count(device, 0, entry.bytes);
    thin(device, () => keptOf(device).bytes <= limits.repeatBytesPerCallerMax);
    thin(null, () => keptInAll.bytes <= limits.repeatBytesMax);
  };

  return {
    knows: (device: string, clientId: string): boolean => {
      const entry = entriesByKey.get(keyOf(device, clientId));
      return entry !== undefined && !isOld(entry);
    },
    enter: ({ device, clientId, capability, input }: NamedCall): Entered => {
      const key = keyOf(device, clientId);
      const content = contentOf(capability, input);
      const known = entriesByKey.get(key);
      if (known && !isOld(known)) {
        const isSame = known.content === content;
        return { isNew: false, answer: isSame ? known.answer : refused(failure('bad_request', 'client-id-reused')) };
      }
      if (known) forget(key, known);
      forgetOld();
      if (!hasRoomFor(device))
        return {
          isNew: false,
          answer: refused(failure('capacity_exceeded', 'repeats-in-flight', limits.retryAfterUnknownMs)),
        };
      let resolve: (answer: Answer) => void = () => {};
      const answer = new Promise<Answer>((each) => (resolve = each));
      const entry: Entry = { device, content, answer, isDone: false, bytes: 0, doneAt: 0 };
      entriesByKey.set(key, entry);
      count(device, 1, 0);
      return {
        isNew: true,
        settle: (ended, wasCut) => {
          if (entry.isDone) return;
          // Stopped half way: nobody here knows how much of it happened.
          const told = wasCut && !ended.ok ? err(failure('unknown_outcome', 'cut-off')) : ended;
          settle(key, entry, told);
          resolve(told);
        },
      };
    },
    size: () => entriesByKey.size,
  };
};
export type RepeatBook = ReturnType<typeof createRepeatBook>;

const refused = (error: Failure): Promise<Answer> => Promise.resolve(err(error));

/** null for what no frame can carry. */
const cborOf = (value: unknown): Uint8Array | null => {
  try {
    return encodeCbor(value as Cbor);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
};

/** What was asked, in short. No secret and no proof: a caller that finds two inputs with one hash is given its own older answer. */
const contentOf = (capability: string, input: unknown): string => {
  const bytes = cborOf(input) ?? new Uint8Array(0);
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
  }
  return `${capability} ${bytes.length} ${(a >>> 0).toString(36)} ${(b >>> 0).toString(36)}`;
};
