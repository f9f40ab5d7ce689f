import type { Clock } from '../../kernel/ports/clock.ts';
import type {
  DocumentEdit,
  DocumentReason,
  DocumentRefusal,
  DocumentRoomPort,
  DocumentView,
  EditedDocument,
} from '../../kernel/ports/documents.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { DocumentFold, WrittenDocument, WrittenDocuments, WrittenUpdate } from '../../log/documents.ts';
import type { Neighbourhood } from '../../log/neighbourhood.ts';

/** A document as it was last made. `isSlow`: this device could not make it in time; what is here is as far as it came. */
export type Sheet = {
  readonly document: WrittenDocument;
  readonly view: DocumentView;
  readonly revision: number;
  readonly isSlow: boolean;
};

type Kept = { given: readonly WrittenUpdate[]; sheet: Sheet | null; skipped: Set<string>; turn: Promise<unknown> };

const blank: DocumentView = { text: '', ranges: [], ticks: [], changes: [], reasons: [] };

/**
 * The documents of one neighbourhood between its log and the room in which they are made: gives the room what the log has
 * got since the last time, one document at a time, and keeps what came of it.
 */
export const createDocumentDesk = (deps: {
  readonly here: Neighbourhood;
  readonly room: DocumentRoomPort;
  readonly clock: Clock;
  readonly fold: DocumentFold;
}) => {
  const { here, room, clock, fold } = deps;
  const keptByDoc = new Map<string, Kept>();
  const stop = here.log.onStored((stored) => {
    if ('isRebuilt' in stored && stored.isRebuilt === true) fold.restart();
    else fold.note(stored.entries);
  });

  const written = (): WrittenDocuments => fold.fold(here.membership());

  const keptOf = (doc: string): Kept => {
    const kept = keptByDoc.get(doc) ?? { given: [], sheet: null, skipped: new Set(), turn: Promise.resolve() };
    keptByDoc.set(doc, kept);
    return kept;
  };

  const inTurn = <T>(doc: string, work: (kept: Kept) => Promise<T>): Promise<T> => {
    const kept = keptOf(doc);
    const turn = kept.turn.then(() => work(kept));
    kept.turn = turn.catch(() => undefined);
    return turn;
  };

  const give = async (kept: Kept, document: WrittenDocument): Promise<Result<DocumentView, DocumentRefusal>> => {
    const updates = document.updates.filter(({ eventId }) => !kept.skipped.has(eventId));
    const keep = commonStart(kept.given, updates);
    if (kept.sheet && keep === updates.length && keep === kept.given.length) return ok(kept.sheet.view);
    const made = await room.fold(document.doc, keep, updates.slice(keep));
    kept.given = made.ok ? updates : [];
    // What this device cannot make in time is left out until the next start, if what stood before can still be shown.
    if (!made.ok && made.error === 'document-too-slow' && keep > 0)
      for (const { eventId } of updates.slice(keep)) kept.skipped.add(eventId);
    return made;
  };

  const refresh = async (kept: Kept, doc: string): Promise<Sheet | null> => {
    const document = written().documents.get(doc);
    if (!document) return null;
    let made = await give(kept, document);
    // Once because the room was started anew, once more because something was left out.
    for (let tries = 0; tries < 2 && !made.ok; tries++) made = await give(kept, document);
    const view = made.ok ? made.value : (kept.sheet?.view ?? blank);
    const isSlow = !made.ok || kept.skipped.size > 0;
    if (kept.sheet?.view === view && kept.sheet.document.title === document.title && kept.sheet.isSlow === isSlow)
      return (kept.sheet = { ...kept.sheet, document });
    const revision = Math.max((kept.sheet?.revision ?? 0) + 1, Math.floor(clock.now()));
    kept.sheet = { document, view, revision, isSlow };
    return kept.sheet;
  };

  return {
    written,
    sheet: (doc: string): Promise<Sheet | null> => inTurn(doc, (kept) => refresh(kept, doc)),
    /** `write` puts the updates of an edit into the log; the sheet is the one after it. Edits of one document wait for each other. */
    edit: <E>(
      doc: string,
      author: { readonly client: number; readonly mayDelete: boolean },
      edit: DocumentEdit,
      check: (sheet: Sheet) => E | null,
      write: (updates: EditedDocument['updates']) => Promise<E | null>,
    ): Promise<Result<{ placed: EditedDocument['placed']; revision: number }, E | DocumentRefusal>> =>
      inTurn(doc, async (kept) => {
        const before = await refresh(kept, doc);
        if (!before) return err('unknown');
        if (before.isSlow) return err('document-too-slow');
        const refused = check(before);
        if (refused !== null) return err(refused);
        let edited = await room.edit(doc, author, edit);
        if (!edited.ok && edited.error === 'unknown') {
          // The room was started anew since: it gets the whole document again.
          kept.given = [];
          await refresh(kept, doc);
          edited = await room.edit(doc, author, edit);
        }
        if (!edited.ok) {
          kept.given = [];
          return edited;
        }
        const failed = await write(edited.value.updates);
        if (failed !== null) return err(failed);
        const after = await refresh(kept, doc);
        return ok({ placed: edited.value.placed, revision: after?.revision ?? before.revision });
      }),
    /** Why events of documents have no effect: what the log says of them, and what the documents that were made say. */
    voidById: (): ReadonlyMap<string, string> => {
      const all = new Map<string, string>(written().voidById);
      for (const { sheet, skipped } of keptByDoc.values()) {
        for (const { eventId, reason } of sheet?.view.reasons ?? []) all.set(eventId, reason);
        for (const eventId of skipped) all.set(eventId, 'document-too-slow' satisfies DocumentReason);
      }
      return all;
    },
    close: stop,
  };
};
export type DocumentDesk = ReturnType<typeof createDocumentDesk>;

/** How many updates at the start of both lists are the same, with the same standing. */
const commonStart = (given: readonly WrittenUpdate[], updates: readonly WrittenUpdate[]): number => {
  const most = Math.min(given.length, updates.length);
  for (let at = 0; at < most; at++) {
    const [a, b] = [given[at], updates[at]];
    if (a?.eventId !== b?.eventId || a?.isGhost !== b?.isGhost || a?.mayDelete !== b?.mayDelete) return at;
  }
  return most;
};
