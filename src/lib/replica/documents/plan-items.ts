import * as Y from 'yjs';
import { limits } from '../../kernel/limits.ts';
import type { CharId, CharRange, DocumentView } from '../../kernel/ports/documents.ts';
import { tickPattern, type Place, type PlanUpdate } from './plan-update.ts';

/** A fresh Y.Doc of a plan: its text and the ticks on its task lines. */
export const openPlanDoc = (): Y.Doc => {
  const doc = new Y.Doc();
  doc.getText('text');
  doc.getArray('ticks');
  return doc;
};

/** Any item of each list, from which the others are found; Yjs never drops the place of a word, deleted or not. */
export type Footholds = { readonly [P in Place]: CharId | null };

export const itemAt = (doc: Y.Doc, id: CharId): Y.Item | null => {
  const struct = Y.getItem(doc.store, Y.createID(id.client, id.clock));
  return struct instanceof Y.Item ? struct : null;
};

const firstItem = (doc: Y.Doc, foothold: CharId | null): Y.Item | null => {
  let item = foothold && itemAt(doc, foothold);
  while (item?.left) item = item.left;
  return item;
};

/** What a plan shows: its text, whose characters those are, and the newest tick on each task line. */
export const showPlan = (doc: Y.Doc, footholds: Footholds): Pick<DocumentView, 'text' | 'ranges' | 'ticks'> => {
  const ranges: CharRange[] = [];
  let text = '';
  for (let item = firstItem(doc, footholds.text); item; item = item.right) {
    if (item.deleted || !(item.content instanceof Y.ContentString)) continue;
    text += item.content.str;
    ranges.push({ client: item.id.client, clock: item.id.clock, length: item.length });
  }
  const tickByLine = new Map<string, DocumentView['ticks'][number]>();
  for (let item = firstItem(doc, footholds.ticks); item; item = item.right) {
    if (item.deleted || !(item.content instanceof Y.ContentAny)) continue;
    for (const value of item.content.arr) {
      const tick = readTick(value);
      if (tick) tickByLine.set(`${tick.line.client}:${tick.line.clock}`, { ...tick, by: item.id.client });
    }
  }
  return { text, ranges, ticks: [...tickByLine.values()] };
};

/** "client:clock+" as the line it means and whether it is done; null for anything else. */
export const readTick = (value: unknown): { line: CharId; isDone: boolean } | null => {
  const match = typeof value === 'string' ? tickPattern.exec(value) : null;
  return match && { line: { client: Number(match[1]), clock: Number(match[2]) }, isDone: match[3] === '+' };
};

/**
 * How many items Yjs walks over to place the structs of an update; it stops counting above the bound. Items that came in the
 * same update lie between their neighbours, so the walk between those is the longer one.
 */
export const countSteps = (doc: Y.Doc, update: PlanUpdate, places: readonly Place[], footholds: Footholds): number => {
  const lefts = new Map<number, CharId | null>();
  const rights = new Map<number, CharId | null>();
  let steps = 0;
  update.structs.forEach((struct, index) => {
    const outside = (id: CharId | null, known: Map<number, CharId | null>): CharId | null =>
      id && id.client === update.client && id.clock >= update.clock
        ? (known.get(ownIndex(update, id.clock)) ?? null)
        : id;
    const left = outside(struct.origin, lefts);
    const right = outside(struct.rightOrigin, rights);
    lefts.set(index, left);
    rights.set(index, right);
    const end = right && itemAt(doc, right);
    const start = left && itemAt(doc, left);
    // Neighbours inside of one item, which Yjs splits between them: nothing lies there.
    if (start && start === end && left && right && left.clock < right.clock) return;
    let item = start ? start.right : firstItem(doc, footholds[places[index] ?? 'text']);
    for (; item && item !== end && steps <= limits.documentUpdateStepsMax; item = item.right) steps += 1;
  });
  return steps;
};

const ownIndex = ({ structs }: PlanUpdate, clock: number): number => {
  let low = 0;
  let high = structs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((structs[middle]?.clock ?? 0) <= clock) low = middle;
    else high = middle - 1;
  }
  return low;
};
