import * as Y from 'yjs';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { DocumentUpdate, DocumentView } from '../../src/lib/kernel/ports/documents.ts';
import { createPlanDocument } from '../../src/lib/replica/documents/plan-document.ts';

/** Clients of the people of these tests; in a street they come from (device, document). */
export const clients = { anna: 1001, bora: 2002, chen: 3003, mallory: 6666 } as const;
export type Writer = keyof typeof clients;

/** The one who writes on a Y.Doc of their own, with any means Yjs has. Returns what the last act came to. */
export const createDesk = (who: Writer) => {
  const doc = new Y.Doc();
  let last: Uint8Array = new Uint8Array(0);
  doc.on('update', (update: Uint8Array) => (last = update));
  return {
    doc,
    get text() {
      return doc.getText('text');
    },
    get ticks() {
      return doc.getArray<unknown>('ticks');
    },
    hear: (...updates: readonly Uint8Array[]): void => updates.forEach((update) => Y.applyUpdate(doc, update)),
    write: (act: () => void): Bytes => {
      doc.clientID = clients[who];
      doc.transact(act);
      return last.slice() as Bytes;
    },
  };
};
export type Desk = ReturnType<typeof createDesk>;

let events = 0;
/** An update as the log hands it over, by one of the people. Ordinary members unless said otherwise. */
export const said = (who: Writer, bytes: Uint8Array, standing: Partial<DocumentUpdate> = {}): DocumentUpdate => ({
  eventId: `${who} ${events++}`,
  client: clients[who],
  isGhost: false,
  mayDelete: false,
  bytes,
  ...standing,
});

/** The document of these updates, in this order, made at once. */
export const make = (updates: readonly DocumentUpdate[]): DocumentView => {
  const document = createPlanDocument();
  document.add(updates);
  const view = document.view();
  document.doc.destroy();
  return view;
};

/** Why the last of these updates has no effect; null when it has. */
export const reasonOf = (view: DocumentView, update: DocumentUpdate): string | null =>
  view.reasons.find(({ eventId }) => eventId === update.eventId)?.reason ?? null;

/** What Anna has written before Mallory comes. */
export const annasPlan = (words = 'Meet at the fountain. Water: Chen. Keys: Bora.') => {
  const desk = createDesk('anna');
  const update = desk.write(() => desk.text.insert(0, words));
  return { desk, update, words, entry: said('anna', update) };
};
