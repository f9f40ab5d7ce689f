import * as Y from 'yjs';
import { limits } from '../../kernel/limits.ts';
import type {
  CharId,
  DocumentChange,
  DocumentReason,
  DocumentUpdate,
  DocumentView,
} from '../../kernel/ports/documents.ts';
import type { Result } from '../../kernel/result.ts';
import { judgeUpdate, type Judged, type Used } from './judge.ts';
import { createKnownPlaces } from './known-places.ts';
import { countSteps, openPlanDoc, readTick, showPlan } from './plan-items.ts';
import { encodePlanUpdate, parsePlanUpdate, type Place, type PlanUpdate } from './plan-update.ts';

type Waiting = {
  readonly update: DocumentUpdate;
  readonly order: number;
  readonly parsed: Result<PlanUpdate, DocumentReason>;
};

/**
 * A plan made of updates that are given in view order. Each device's updates take effect one after the other; of those that
 * lack nothing, the first in view order goes next. So the document is a pure function of the list, and whatever Yjs makes of
 * strange but well-formed structs, it makes the same everywhere. Adding at the end never changes what was done before.
 */
export const createPlanDocument = () => {
  const doc = openPlanDoc();
  const known = createKnownPlaces();
  const queues = new Map<number, Waiting[]>();
  const usedByClient = new Map<number, Used>();
  const reasons = new Map<string, DocumentReason>();
  const footholds: { [P in Place]: CharId | null } = { text: null, ticks: null };
  let changes: DocumentChange[] = [];
  let count = 0;

  const usedOf = (client: number): Used => {
    const used = usedByClient.get(client) ?? { structs: 0, steps: 0 };
    usedByClient.set(client, used);
    return used;
  };

  /** True when it is settled: done, or void for good. */
  const settle = ({ update, parsed }: Waiting): boolean => {
    const used = usedOf(update.client);
    const judged = parsed.ok ? judgeUpdate(parsed.value, update, known, used) : parsed;
    if (!parsed.ok || !judged.ok) {
      const reason = parsed.ok && !judged.ok ? judged.error : !parsed.ok ? parsed.error : 'document-malformed';
      reasons.set(update.eventId, reason);
      return reason !== 'document-past';
    }
    const steps = countSteps(doc, parsed.value, judged.value.places, footholds);
    if (steps > limits.documentUpdateStepsMax || used.steps + steps > limits.documentDeviceStepsMax) {
      reasons.set(update.eventId, 'document-cost');
      return true;
    }
    used.steps += steps;
    used.structs += parsed.value.structs.length + parsed.value.deletes.length;
    apply(update, parsed.value, judged.value);
    return true;
  };

  const apply = (update: DocumentUpdate, parsed: PlanUpdate, { places, ghost }: Judged): void => {
    const said = ghost === null ? parsed : hollow(parsed);
    if (said.structs.length > 0 || said.deletes.length > 0) Y.applyUpdate(doc, encodePlanUpdate(said));
    known.add(parsed, places);
    places.forEach((place, index) => {
      const struct = parsed.structs[index];
      if (struct) footholds[place] ??= { client: parsed.client, clock: struct.clock };
    });
    reasons.delete(update.eventId);
    if (ghost !== null) return void reasons.set(update.eventId, ghost);
    changes.push(changeOf(update.eventId, parsed));
    if (changes.length > 2 * limits.documentChangesMax) changes = changes.slice(-limits.documentChangesMax);
  };

  /** Of the first updates of all devices, the earliest in view order that can be settled. */
  const settleNext = (): boolean => {
    const heads = [...queues.values()].flatMap((queue) => queue[0] ?? []).toSorted((a, b) => a.order - b.order);
    for (const head of heads) {
      if (!settle(head)) continue;
      const queue = queues.get(head.update.client);
      queue?.shift();
      if (queue?.length === 0) queues.delete(head.update.client);
      return true;
    }
    return false;
  };

  return {
    doc,
    /** How many updates have been given. */
    get count() {
      return count;
    },
    next: known.next,
    add: (updates: readonly DocumentUpdate[]): void => {
      for (const update of updates) {
        const queue = queues.get(update.client) ?? [];
        queues.set(update.client, queue);
        queue.push({ update, order: count++, parsed: parsePlanUpdate(update.bytes) });
      }
      while (settleNext());
    },
    view: (): DocumentView => {
      const all = new Map(reasons);
      for (const queue of queues.values())
        for (const { update } of queue) if (!all.has(update.eventId)) all.set(update.eventId, 'document-past');
      return {
        ...showPlan(doc, footholds),
        changes: changes.slice(-limits.documentChangesMax),
        reasons: [...all].map(([eventId, reason]) => ({ eventId, reason })),
      };
    },
  };
};
export type PlanDocument = ReturnType<typeof createPlanDocument>;

/** The places without the words, and nothing taken away: what is left of an update whose author does not count. */
const hollow = (update: PlanUpdate): PlanUpdate => ({
  ...update,
  structs: update.structs.map((struct) => ({ ...struct, content: { kind: 'deleted' } })),
  deletes: [],
});

const changeOf = (eventId: string, { structs, deletes }: PlanUpdate): DocumentChange => {
  const inserted = structs.map(({ content }) => (content.kind === 'text' ? content.text : '')).join('');
  const ticks = structs.flatMap(({ content }) => (content.kind === 'ticks' ? content.ticks : []));
  return {
    eventId,
    inserted: inserted.slice(0, limits.documentChangeChars),
    insertedChars: inserted.length,
    removedChars: deletes.reduce((sum, { length }) => sum + length, 0),
    ticked: ticks.flatMap((tick) => readTick(tick) ?? []),
  };
};
