import type { DocumentRoomPort, DocumentUpdate } from '../../kernel/ports/documents.ts';
import { err, ok } from '../../kernel/result.ts';
import { createPlanDocument, type PlanDocument } from './plan-document.ts';
import { editPlan } from './plan-edit.ts';

/** All documents that were asked for, each with the list it was made of. Runs in a worker of its own (`workers/document.worker.ts`). */
export const createDocumentRoom = (): DocumentRoomPort => {
  const rooms = new Map<string, { readonly updates: DocumentUpdate[]; readonly document: PlanDocument }>();

  return {
    fold: async (doc, keep, updates) => {
      const known = rooms.get(doc);
      if (keep > (known?.updates.length ?? 0)) return err('unknown');
      if (known && keep === known.updates.length) {
        known.updates.push(...updates);
        known.document.add(updates);
        return ok(known.document.view());
      }
      const all = [...(known?.updates.slice(0, keep) ?? []), ...updates];
      const document = createPlanDocument();
      document.add(all);
      known?.document.doc.destroy();
      rooms.set(doc, { updates: all, document });
      return ok(document.view());
    },
    edit: async (doc, author, edit) => {
      const known = rooms.get(doc);
      return known ? ok(editPlan(known.document, author, edit)) : err('unknown');
    },
  };
};
