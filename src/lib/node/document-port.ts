import { wrap } from 'comlink';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { DocumentRoomPort } from '../kernel/ports/documents.ts';
import { err, type Result } from '../kernel/result.ts';

/**
 * The document worker as the node calls it: started when it is first asked something, and every call has a time in which it
 * must be done. What takes longer is given up and the worker with it; the next call starts another. The time is a safety net
 * of this device only: what an update is worth never depends on it.
 */
export const createDocumentPort = (deps: {
  readonly clock: Clock;
  /** A line to a fresh worker; the one before is ended. */
  readonly open: () => MessagePort;
  readonly connect?: (port: MessagePort) => DocumentRoomPort;
}): DocumentRoomPort => {
  const { clock, open, connect = (port) => wrap<DocumentRoomPort>(port) } = deps;
  const countByDoc = new Map<string, number>();
  let room: DocumentRoomPort | null = null;

  const inTime = <T, E>(
    budgetMs: number,
    call: (room: DocumentRoomPort) => Promise<Result<T, E>>,
  ): Promise<Result<T, E | 'document-too-slow'>> => {
    const asked = (room ??= connect(open()));
    return new Promise((resolve, reject) => {
      const cancel = clock.after(budgetMs, () => {
        if (room === asked) room = null;
        resolve(err('document-too-slow'));
      });
      call(asked).then((result) => {
        cancel();
        resolve(result);
      }, reject);
    });
  };

  return {
    fold: (doc, keep, updates) => {
      const isMadeAnew = keep !== countByDoc.get(doc);
      countByDoc.set(doc, keep + updates.length);
      const made = isMadeAnew ? keep + updates.length : updates.length;
      const budgetMs = Math.min(limits.documentRebuildMs, limits.documentAnswerMs + limits.documentApplyMs * made);
      return inTime(budgetMs, (asked) => asked.fold(doc, keep, updates));
    },
    edit: (doc, author, edit) => inTime(limits.documentRebuildMs, (asked) => asked.edit(doc, author, edit)),
  };
};
