import {
  documentsCreate,
  documentsEdit,
  documentsList,
  documentsOpen,
  type DocumentShown,
  type ListedDocument,
} from '../../contracts/documents.ts';
import type { Bus } from '../../kernel/bus/bus.ts';
import { failure, type Failure } from '../../kernel/errors.ts';
import { textToBytes } from '../../kernel/ids.ts';
import { createStops, type Startable } from '../../kernel/lifecycle.ts';
import { limits } from '../../kernel/limits.ts';
import type { Clock } from '../../kernel/ports/clock.ts';
import type { Bytes } from '../../kernel/ports/crypto.ts';
import type { DocumentEdit, DocumentRoomPort } from '../../kernel/ports/documents.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { watch } from '../../kernel/watch.ts';
import type { DocumentFold } from '../../log/documents.ts';
import type { EventLog } from '../../log/event-log.ts';
import type { Membership } from '../../log/membership.ts';
import type { Neighbourhood } from '../../log/neighbourhood.ts';
import { createDocumentDesk, type DocumentDesk, type Sheet } from './desk.ts';

export type DocumentsDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly current: () => Neighbourhood | null;
  readonly onChange: (listener: () => void) => () => void;
  readonly selfDevice: () => string;
  readonly room: DocumentRoomPort;
  readonly createFold: (log: EventLog) => DocumentFold;
  readonly clientOf: (device: string, doc: string) => number;
  readonly documentIdOf: (eventId: string) => string;
};
type Here = { readonly here: Neighbourhood; readonly desk: DocumentDesk };
type Edited = { readonly revision: number; readonly placed: readonly ({ client: number; clock: number } | null)[] };

/** The street's shared plans: what every member can read and write, live and offline, made of signed events and nothing else. */
export const createDocuments = (deps: DocumentsDeps): Startable & { voidById(): ReadonlyMap<string, string> } => {
  const { bus, clock, room, selfDevice } = deps;
  const stops = createStops();
  let open: Here | null = null;

  /** The desk of the neighbourhood this node is in now; another neighbourhood gets another one. */
  const hereNow = (): Here | null => {
    const here = deps.current();
    if (open?.here === here) return open;
    open?.desk.close();
    open = here && { here, desk: createDocumentDesk({ here, room, clock, fold: deps.createFold(here.log) }) };
    return open;
  };

  const writer = (): Result<Here & { mayDelete: boolean }, Failure> => {
    const now = hereNow();
    const role = now?.here.membership().roleOf(selfDevice()) ?? null;
    if (!now || role === null) return err(failure('forbidden', 'not-a-member'));
    return ok({ ...now, mayDelete: role !== 'member' });
  };

  const edit = async (doc: string, wish: DocumentEdit): Promise<Result<Edited, Failure>> => {
    const now = writer();
    if (!now.ok) return now;
    const { here, desk, mayDelete } = now.value;
    const client = deps.clientOf(selfDevice(), doc);
    const check = ({ view }: Sheet): Failure | null => {
      const more = wish.inserts.reduce((sum, { text }) => sum + text.length, 0);
      if (more > 0 && view.text.length + more > limits.documentCharsMax) return failure('too_large', 'document-full');
      const isForeign = wish.removes.some((range) => range.client !== client);
      return isForeign && !mayDelete ? failure('forbidden', 'document-foreign-delete') : null;
    };
    const write = async (updates: readonly Bytes[]): Promise<Failure | null> => {
      for (const update of updates) {
        const written = await here.log.append('doc.update', { doc: textToBytes(doc) ?? new Uint8Array(16), update });
        if (!written.ok) return failure(written.error === 'quota-full' ? 'quota_full' : 'unavailable', written.error);
      }
      return null;
    };
    const edited = await desk.edit(doc, { client, mayDelete }, wish, check, write);
    if (edited.ok) return edited;
    const { error } = edited;
    if (typeof error === 'object') return err(error);
    return err(error === 'unknown' ? failure('not_found', 'document-unknown') : failure('unavailable', error));
  };

  const create = async ({
    title,
    text,
  }: {
    title: string;
    text: string;
  }): Promise<Result<{ doc: string }, Failure>> => {
    const now = writer();
    if (!now.ok) return now;
    const { desk, here } = now.value;
    const { personOf } = here.membership();
    const self = personOf(selfDevice());
    const own = [...desk.written().documents.values()].filter(({ device }) => personOf(device) === self);
    if (own.length >= limits.documentsPerPersonMax) return err(failure('capacity_exceeded', 'document-too-many'));
    const created = await here.log.append('doc.create', { title, kind: 'plan' });
    if (!created.ok) return err(failure(created.error === 'quota-full' ? 'quota_full' : 'unavailable', created.error));
    const doc = deps.documentIdOf(created.value.event.id);
    if (text === '') return ok({ doc });
    const filled = await edit(doc, { inserts: [{ after: null, text }], removes: [], ticks: [], isRepeated: false });
    return filled.ok ? ok({ doc }) : filled;
  };

  const list = (): { documents: ListedDocument[] } => {
    const now = hereNow();
    if (!now) return { documents: [] };
    const membership = now.here.membership();
    const documents = [...now.desk.written().documents.values()].map((document) => {
      const last = document.updates.findLast(({ isGhost }) => !isGhost) ?? document;
      return {
        doc: document.doc,
        title: document.title,
        by: nameOf(membership, document.device),
        at: document.atMs,
        changedBy: nameOf(membership, last.device),
        changedAt: last.atMs,
      };
    });
    return { documents: documents.toSorted((a, b) => b.changedAt - a.changedAt) };
  };

  /** The same object as long as nothing has changed. */
  const shown = (doc: string) => {
    let last: { readonly sheet: Sheet; readonly membership: Membership; readonly value: DocumentShown } | null = null;
    return async (): Promise<DocumentShown | null> => {
      const now = hereNow();
      const sheet = now && (await now.desk.sheet(doc));
      if (!now || !sheet) return null;
      const membership = now.here.membership();
      if (last?.sheet.revision !== sheet.revision || last.membership !== membership)
        last = { sheet, membership, value: showSheet(sheet, membership, selfDevice()) };
      return last.value;
    };
  };

  return {
    voidById: () => hereNow()?.desk.voidById() ?? new Map(),
    start: () => {
      stops.add(() => open?.desk.close());
      stops.add(bus.register(documentsCreate, create));
      stops.add(
        bus.register(documentsEdit, async ({ doc, ...wish }) => {
          const edited = await edit(doc, wish);
          return edited.ok ? ok({ revision: edited.value.revision, placed: [...edited.value.placed] }) : edited;
        }),
      );
      stops.add(
        bus.register(documentsList, async function* (_input, { signal }) {
          return ok(yield* watch(list, deps.onChange, signal));
        }),
      );
      stops.add(
        bus.register(documentsOpen, async function* ({ doc }, { signal }) {
          const views = watch(shown(doc), deps.onChange, signal);
          let last: DocumentShown | null = null;
          for await (const view of views) {
            if (view === null) return err(failure('not_found', 'document-unknown'));
            if (view !== last) yield (last = view);
          }
          return last ? ok(last) : err(failure('not_found', 'document-unknown'));
        }),
      );
    },
    stop: stops.run,
  };
};

const nameOf = (membership: Membership, device: string): string =>
  membership.members.get(membership.personOf(device) ?? '')?.name ?? '';

const waits = new Set(['document-past', 'document-too-slow']);

const showSheet = (
  { document, view, revision, isSlow }: Sheet,
  membership: Membership,
  self: string,
): DocumentShown => {
  const writers = new Map(document.updates.map(({ client, device }) => [client, device]));
  const writtenById = new Map(document.updates.map((update) => [update.eventId, update]));
  const who = (device: string) => ({
    person: membership.personOf(device) ?? device,
    name: nameOf(membership, device),
    isOwn: membership.personOf(device) === membership.personOf(self),
  });
  const role = membership.roleOf(self);
  return {
    doc: document.doc,
    title: document.title,
    revision,
    text: view.text,
    ranges: [...view.ranges],
    writers: [...writers].map(([client, device]) => ({ client, ...who(device), isOwn: device === self })),
    ticks: view.ticks.map(({ line, by, isDone }) => ({ line, isDone, by: nameOf(membership, writers.get(by) ?? '') })),
    changes: view.changes.flatMap(({ ticked, ...change }) => {
      const written = writtenById.get(change.eventId);
      return written ? [{ ...change, ...who(written.device), ticked: [...ticked], at: written.atMs }] : [];
    }),
    mayWrite: role !== null && !isSlow,
    mayDelete: role === 'trusted' || role === 'anchor',
    waiting: view.reasons.filter(({ reason }) => waits.has(reason)).length,
    refused: view.reasons.filter(({ reason }) => !waits.has(reason)).length,
    state: isSlow ? 'slow' : 'ready',
  };
};
