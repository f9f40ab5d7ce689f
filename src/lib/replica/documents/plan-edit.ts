import * as Y from 'yjs';
import { limits } from '../../kernel/limits.ts';
import type { Bytes } from '../../kernel/ports/crypto.ts';
import type { CharId, DocumentEdit, DocumentUpdate, EditedDocument } from '../../kernel/ports/documents.ts';
import { itemAt, openPlanDoc } from './plan-items.ts';
import type { PlanDocument } from './plan-document.ts';

/**
 * Writes an edit as `client` on a copy of the document and gives the updates it comes to, each small enough for one event.
 * The copy is a fresh Y.Doc, so that Yjs never finds itself writing where its own history already is and takes another client.
 */
export const editPlan = (
  document: PlanDocument,
  { client, mayDelete }: Pick<DocumentUpdate, 'client' | 'mayDelete'>,
  edit: DocumentEdit,
): EditedDocument => {
  const copy = openPlanDoc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(document.doc));
  const updates: Bytes[] = [];
  copy.on('update', (update: Uint8Array) => updates.push(update.slice() as Bytes));
  const text = copy.getText('text');
  const write = (act: () => void): void => {
    copy.clientID = client;
    copy.transact(act);
  };

  const placed = edit.inserts.map(({ after, text: words }): CharId | null => {
    const first = { client, clock: Y.getState(copy.store, client) };
    let index = indexAfter(copy, text, after);
    if (edit.isRepeated && stands(text, index, words)) return null;
    for (const piece of piecesOf(words)) {
      const at = index;
      write(() => text.insert(at, piece));
      index += piece.length;
    }
    return words === '' ? null : first;
  });
  const removes = edit.removes.filter((range) => mayDelete || range.client === client);
  if (removes.length > 0)
    write(() => {
      for (const { client: owner, clock, length } of removes)
        for (let at = clock; at < clock + length;) {
          const item = clockKnown(copy, owner, at) ? itemAt(copy, { client: owner, clock: at }) : null;
          if (!item) break;
          const most = Math.min(clock + length, item.id.clock + item.length) - at;
          if (!item.deleted) text.delete(indexAfter(copy, text, { client: owner, clock: at }) - 1, most);
          at += most;
        }
    });
  if (edit.ticks.length > 0)
    write(() => {
      const words = edit.ticks.map(({ line, isDone }) => `${line.client}:${line.clock}${isDone ? '+' : '-'}`);
      copy.getArray('ticks').push(words);
    });
  copy.destroy();
  return { updates, placed };
};

const clockKnown = (doc: Y.Doc, client: number, clock: number): boolean => clock < Y.getState(doc.store, client);

/** Where words after this character go; of one that is gone, where it was. */
const indexAfter = (doc: Y.Doc, text: Y.Text, after: CharId | null): number => {
  if (!after || !clockKnown(doc, after.client, after.clock)) return 0;
  const id = Y.createID(after.client, after.clock);
  const found = Y.createAbsolutePositionFromRelativePosition(new Y.RelativePosition(null, null, id, -1), doc);
  return found && found.type === text ? found.index : 0;
};

const stands = (text: Y.Text, index: number, words: string): boolean =>
  // oxlint-disable-next-line typescript/no-base-to-string -- the text of a Y.Text
  text.toString().startsWith(words, index);

/** Pieces of bounded length, none of which ends in the middle of a character of two units. */
const piecesOf = (words: string): string[] => {
  const pieces: string[] = [];
  for (let at = 0; at < words.length;) {
    let end = Math.min(words.length, at + limits.documentPieceChars);
    if (end < words.length && /[\uD800-\uDBFF]/.test(words[end - 1] ?? '')) end -= 1;
    pieces.push(words.slice(at, end));
    at = end;
  }
  return pieces;
};
