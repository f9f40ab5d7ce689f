import type { CharId, CharRange, DocumentEdit } from '../kernel/ports/documents.ts';

export type { CharId };

/** One UTF-16 unit on screen. `client` is null until the node has said where it stands; `again` is the one that was put back for it. */
type Char = { readonly unit: string; client: number | null; clock: number; isGone: boolean; again: Char | null };
/** What one act of the person did, for undoing it. */
type Step = { readonly inserted: Char[]; readonly removed: Char[]; readonly after: Char | null; readonly at: number };
type Words = Pick<DocumentEdit, 'inserts' | 'removes'>;

export type TypeRefusal = 'foreign' | 'too-long';

/**
 * The text of a plan as one window shows it: what the node has said, with the person's own unsaid changes on top. Every
 * character keeps who wrote it, so what a neighbour does meanwhile moves nothing to a wrong place. Knows no screen and no bus.
 */
export const createPlanText = (rules: {
  /** Whether what others wrote may be taken away, and which client is this device's own. */
  readonly mayDelete: () => boolean;
  readonly isOwn: (client: number) => boolean;
  readonly charsMax: number;
}) => {
  let chars: Char[] = [];
  let value = '';
  const removed = new Map<string, CharId>();
  let sent: { groups: Char[][]; removes: readonly CharRange[] } | null = null;
  /** What is typed in one go is one step; a pause ends it. */
  let isOpen = false;
  const undos: Step[] = [];
  const redos: Step[] = [];

  const settle = (next: Char[]): void => {
    chars = next;
    value = next.map(({ unit }) => unit).join('');
  };

  const takeAway = (char: Char): void => {
    char.isGone = true;
    if (char.client !== null) removed.set(keyOf(char.client, char.clock), { client: char.client, clock: char.clock });
  };

  /** Replaces a stretch; what it did can be undone. */
  const splice = (at: number, length: number, inserted: Char[]): Step => {
    const step: Step = { inserted, removed: chars.slice(at, at + length), after: chars[at - 1] ?? null, at };
    for (const char of step.removed) takeAway(char);
    settle([...chars.slice(0, at), ...inserted, ...chars.slice(at + length)]);
    return step;
  };

  const note = (step: Step): void => {
    redos.length = 0;
    const last = undos.at(-1);
    const goesOn =
      isOpen &&
      last !== undefined &&
      step.removed.length === 0 &&
      last.removed.length === 0 &&
      last.inserted.at(-1) === step.after &&
      !step.inserted.some(({ unit }) => unit === '\n');
    if (goesOn) last.inserted.push(...step.inserted);
    else undos.push(step);
    isOpen = true;
  };

  /** Takes back what a step put in, and puts back what it took; the step that takes this back again. */
  const invert = (step: Step): Step => {
    const inserted = step.removed.map((char) => (char.again = freshChar(char.unit)));
    const gone = new Set(step.inserted.map(newest).filter(({ isGone }) => !isGone));
    for (const char of gone) takeAway(char);
    const kept = chars.filter((char) => !gone.has(char));
    const found = step.after ? kept.indexOf(newest(step.after)) : -1;
    // What stood before it is gone for good: then where it was is as near as can be told.
    const at = found >= 0 ? found + 1 : step.after ? Math.min(step.at, kept.length) : 0;
    settle([...kept.slice(0, at), ...inserted, ...kept.slice(at)]);
    return { inserted, removed: [...gone], after: step.after, at };
  };

  const wordsOf = (groups: readonly Char[][]): DocumentEdit['inserts'] =>
    groups.map((group) => {
      const at = chars.indexOf(group[0] ?? freshChar(''));
      const before = chars.slice(0, Math.max(0, at)).findLast(({ client }) => client !== null);
      const after = before && before.client !== null ? { client: before.client, clock: before.clock } : null;
      return { after, text: group.map(({ unit }) => unit).join('') };
    });

  return {
    get value() {
      return value;
    },
    get canUndo() {
      return undos.length > 0;
    },
    get canRedo() {
      return redos.length > 0;
    },
    get isUnsaid() {
      return sent !== null || removed.size > 0 || chars.some(({ client }) => client === null);
    },
    idAt: (offset: number): CharId | null => {
      const char = chars[offset];
      return char && char.client !== null ? { client: char.client, clock: char.clock } : null;
    },
    /** What the node says now. Gives where an offset of before is after. */
    show: ({ text, ranges }: { text: string; ranges: readonly CharRange[] }): ((offset: number) => number) => {
      const old = chars;
      const known = new Map(
        old.flatMap((char) => (char.client === null ? [] : [[keyOf(char.client, char.clock), char]])),
      );
      const base: Char[] = [];
      let at = 0;
      for (const { client, clock, length } of ranges)
        for (let index = 0; index < length; index++, at++) {
          const key = keyOf(client, clock + index);
          if (removed.has(key)) continue;
          base.push(
            known.get(key) ?? { unit: text[at] ?? '', client, clock: clock + index, isGone: false, again: null },
          );
        }
      settle(withUnsaid(base, old));
      const places = new Map(chars.map((char, index) => [char, index + 1]));
      return (offset) => {
        for (let index = Math.min(offset, old.length) - 1; index >= 0; index--) {
          const char = old[index];
          const place = char && places.get(char);
          if (place !== undefined) return place;
        }
        return 0;
      };
    },
    /** The person has changed the text; `caret` is where they are in it now. A refusal leaves everything as it was. */
    type: (next: string, caret: number): TypeRefusal | null => {
      const { at, length, words } = difference(value, next, caret);
      if (length === 0 && words === '') return null;
      const isForeign = ({ client }: Char): boolean => client !== null && !rules.isOwn(client);
      if (!rules.mayDelete() && chars.slice(at, at + length).some(isForeign)) return 'foreign';
      if (words.length > length && next.length > rules.charsMax) return 'too-long';
      note(
        splice(
          at,
          length,
          Array.from({ length: words.length }, (_, index) => freshChar(words[index] ?? '')),
        ),
      );
      return null;
    },
    undo: (): void => {
      const step = undos.pop();
      if (step) redos.push(invert(step));
    },
    redo: (): void => {
      const step = redos.pop();
      if (step) undos.push(invert(step));
    },
    /** What has not been said yet, for keeping it over a reload. */
    unsaid: (): Words => ({ inserts: wordsOf(groupsOf(chars)), removes: rangesOf(removed.values()) }),
    /** What to say now; null while something is on its way or there is nothing. */
    take: (): Words | null => {
      isOpen = false;
      if (sent) return null;
      const groups = groupsOf(chars);
      const removes = rangesOf(removed.values());
      if (groups.length === 0 && removes.length === 0) return null;
      sent = { groups, removes };
      return { inserts: wordsOf(groups), removes };
    },
    /** The node has it, and says where the words stand. */
    placed: (places: readonly (CharId | null)[]): void => {
      for (const { client, clock, length } of sent?.removes ?? [])
        for (let index = 0; index < length; index++) removed.delete(keyOf(client, clock + index));
      sent?.groups.forEach((group, index) => {
        const place = places[index];
        group.forEach((char, offset) => {
          if (!place) return;
          char.client = place.client;
          char.clock = place.clock + offset;
          if (char.isGone) takeAway(char);
        });
      });
      sent = null;
    },
    /** The node did not take it; it stays unsaid. Without the right to delete, what others wrote comes back. */
    failed: (): void => {
      sent = null;
      if (rules.mayDelete()) return;
      for (const [key, { client }] of removed) if (!rules.isOwn(client)) removed.delete(key);
    },
  };
};
export type PlanText = ReturnType<typeof createPlanText>;

const freshChar = (unit: string): Char => ({ unit, client: null, clock: 0, isGone: false, again: null });
const newest = (char: Char): Char => {
  let last = char;
  while (last.again) last = last.again;
  return last;
};
const keyOf = (client: number, clock: number): string => `${client}:${clock}`;

/** The unsaid words of before, each behind the nearest character before it that is still there. */
const withUnsaid = (base: readonly Char[], old: readonly Char[]): Char[] => {
  const here = new Set(base);
  const waitingBehind = new Map<Char | null, Char[]>();
  let behind: Char | null = null;
  for (const char of old) {
    if (here.has(char)) behind = char;
    else if (char.client === null) {
      const waiting = waitingBehind.get(behind);
      if (waiting) waiting.push(char);
      else waitingBehind.set(behind, [char]);
    }
  }
  return [...(waitingBehind.get(null) ?? []), ...base.flatMap((char) => [char, ...(waitingBehind.get(char) ?? [])])];
};

/** Stretches of unsaid characters. */
const groupsOf = (chars: readonly Char[]): Char[][] => {
  const groups: Char[][] = [];
  let open: Char[] | null = null;
  for (const char of chars) {
    if (char.client !== null) open = null;
    else if (open) open.push(char);
    else groups.push((open = [char]));
  }
  return groups;
};

const rangesOf = (ids: Iterable<CharId>): CharRange[] => {
  const ranges: { client: number; clock: number; length: number }[] = [];
  for (const { client, clock } of [...ids].toSorted((a, b) => a.client - b.client || a.clock - b.clock)) {
    const last = ranges.at(-1);
    if (last?.client === client && last.clock + last.length === clock) last.length += 1;
    else ranges.push({ client, clock, length: 1 });
  }
  return ranges;
};

/** The one stretch in which two texts differ, as near to the caret as can be; it never tears a character of two units. */
export const difference = (
  before: string,
  next: string,
  caret: number,
): { at: number; length: number; words: string } => {
  let tail = before.endsWith(next.slice(caret)) ? next.length - caret : 0;
  const most = Math.min(before.length, next.length);
  let at = 0;
  while (at < most - Math.min(tail, most) && before[at] === next[at]) at += 1;
  while (tail < most - at && before[before.length - 1 - tail] === next[next.length - 1 - tail]) tail += 1;
  if (at > 0 && isHigh(before[at - 1]) && (isLow(before[at]) || isLow(next[at]))) at -= 1;
  if (tail > 0 && isLow(before[before.length - tail])) {
    const tears = isHigh(before[before.length - tail - 1]) || isHigh(next[next.length - tail - 1]);
    if (tears) tail -= 1;
  }
  return { at, length: before.length - tail - at, words: next.slice(at, next.length - tail) };
};

const isHigh = (unit: string | undefined): boolean => unit !== undefined && /[\uD800-\uDBFF]/.test(unit);
const isLow = (unit: string | undefined): boolean => unit !== undefined && /[\uDC00-\uDFFF]/.test(unit);
