import { sha256Now } from '../crypto/sha256.ts';
import { hlcFromMs, hlcToMs } from '../kernel/hlc.ts';
import { bytesToText, concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { DocumentUpdate } from '../kernel/ports/documents.ts';
import { compareEntries, readEffect, type ReadEffect, type VoidReason } from './effect.ts';
import { authorityLane } from './event.ts';
import type { EventLog } from './event-log.ts';
import { kinds } from './kinds.ts';
import type { Entry } from './lanes.ts';
import type { Membership } from './membership.ts';
import { authorVoid, type RoomFreezes } from './room-rules.ts';

/** An update with who wrote it and when (milliseconds since 1970, by its author's clock). */
export type WrittenUpdate = DocumentUpdate & { readonly device: string; readonly atMs: number };
export type WrittenDocument = {
  /** base64url of the first 16 bytes of the id of the event that created it. */
  readonly doc: string;
  readonly title: string;
  readonly device: string;
  readonly atMs: number;
  /** In view order. */
  readonly updates: readonly WrittenUpdate[];
};
export type WrittenDocuments = {
  readonly documents: ReadonlyMap<string, WrittenDocument>;
  readonly voidById: ReadonlyMap<string, VoidReason | 'document-unknown' | 'document-too-many' | 'document-client'>;
};

type DocumentsLog = Pick<EventLog, 'heads' | 'slice'> & RoomFreezes;
type Act =
  | { readonly kind: 'doc.create'; readonly title: string }
  | { readonly kind: 'doc.update'; readonly doc: string; readonly bytes: Uint8Array };
type Row = { readonly entry: Entry; readonly act: Act | VoidReason };

/** First 53 bits of SHA-256("HN-DOC-CLIENT" || device || document): the one Yjs client a device writes as in a document. */
export const documentClient = (device: string, doc: string): number => {
  const none = new Uint8Array(0);
  const hash = sha256Now(concatBytes(utf8('HN-DOC-CLIENT'), textToBytes(device) ?? none, textToBytes(doc) ?? none));
  return Number(new DataView(hash.buffer, hash.byteOffset).getBigUint64(0) >> 11n);
};

export const documentIdOf = (eventId: string): string =>
  bytesToText((textToBytes(eventId) ?? new Uint8Array(16)).slice(0, 16));

/**
 * The collaborative documents of a log that grows: which there are, and the updates of each in view order. What is in an
 * update is judged where Yjs is known (`replica/documents`); here only that its author and its document count.
 */
export const createDocumentFold = (log: DocumentsLog, read: ReadEffect = readEffect) => {
  const rowsByPlace = new Map<string, { next: number; rows: Row[] }>();
  const clients = new Map<string, number>();
  let ordered: Row[] | null = null;

  const clientOf = (device: string, doc: string): number => {
    const key = `${device} ${doc}`;
    const client = clients.get(key) ?? documentClient(device, doc);
    clients.set(key, client);
    return client;
  };

  const readNew = (): void => {
    for (const { author, lane, next } of log.heads()) {
      if (lane === authorityLane) continue;
      const key = `${author} ${lane}`;
      const place = rowsByPlace.get(key) ?? { next: 0, rows: [] };
      rowsByPlace.set(key, place);
      if (place.next >= next) continue;
      let before = log.slice(author, lane, place.next - 1, 1)[0];
      for (const entry of log.slice(author, lane, place.next, next - place.next)) {
        if (isDocumentKind(entry.event.header.kind)) place.rows.push({ entry, act: readAct(read(entry, before)) });
        before = entry;
      }
      place.next = next;
      ordered = null;
    }
    ordered ??= [...rowsByPlace.values()]
      .flatMap(({ rows }) => rows)
      .toSorted((a, b) => compareEntries(a.entry, b.entry));
  };

  return {
    /** Events whose payload has come: their lanes are read again where that matters. */
    note: (entries: readonly Entry[]): void => {
      for (const { event } of entries) {
        const key = `${event.author} ${event.header.lane}`;
        const place = rowsByPlace.get(key);
        if (place && event.header.seq < place.next && isDocumentKind(event.header.kind)) rowsByPlace.delete(key);
      }
    },
    /** Lanes were cut short or dropped. */
    restart: (): void => {
      rowsByPlace.clear();
      ordered = null;
    },
    fold: (membership: Membership): WrittenDocuments => {
      readNew();
      return foldRows(ordered ?? [], (entry) => authorVoid(placeOf(entry), membership, log), membership, clientOf);
    },
  };
};
export type DocumentFold = ReturnType<typeof createDocumentFold>;

const isDocumentKind = (kind: number): boolean =>
  kind === kinds['doc.create'].number || kind === kinds['doc.update'].number;

const readAct = (effect: ReturnType<ReadEffect>): Act | VoidReason => {
  if (typeof effect === 'string') return effect;
  if (effect.kind === 'doc.create') return { kind: 'doc.create', title: effect.body.title };
  if (effect.kind === 'doc.update')
    return { kind: 'doc.update', doc: bytesToText(effect.body.doc), bytes: effect.body.update };
  return 'kind-unknown';
};

const foldRows = (
  rows: readonly Row[],
  voidOf: (entry: Entry) => VoidReason | null,
  membership: Membership,
  clientOf: (device: string, doc: string) => number,
): WrittenDocuments => {
  const voidById = new Map<string, VoidReason | 'document-unknown' | 'document-too-many' | 'document-client'>();
  const documents = new Map<string, WrittenDocument & { updates: WrittenUpdate[] }>();
  const createdByPerson = new Map<string, number>();
  const deviceByClient = new Map<string, string>();
  for (const { entry, act } of rows) {
    const { id, author: device } = entry.event;
    if (typeof act === 'string') voidById.set(id, act);
    else if (act.kind === 'doc.create') {
      const person = membership.personOf(device) ?? device;
      const created = createdByPerson.get(person) ?? 0;
      const reason = voidOf(entry);
      if (reason !== null) voidById.set(id, reason);
      else if (created >= limits.documentsPerPersonMax) voidById.set(id, 'document-too-many');
      else {
        createdByPerson.set(person, created + 1);
        const doc = documentIdOf(id);
        documents.set(doc, { doc, title: act.title, device, atMs: atMsOf(entry), updates: [] });
      }
    }
  }
  for (const { entry, act } of rows) {
    if (typeof act === 'string' || act.kind !== 'doc.update') continue;
    const { id, author: device } = entry.event;
    const document = documents.get(act.doc);
    const client = clientOf(device, act.doc);
    // Of two devices that were made to meet in one client the first to write has it; 0 is nobody's.
    const holder = deviceByClient.get(`${client} ${act.doc}`) ?? device;
    if (!document) voidById.set(id, 'document-unknown');
    else if (client === 0 || holder !== device) voidById.set(id, 'document-client');
    else {
      deviceByClient.set(`${client} ${act.doc}`, device);
      const reason = voidOf(entry);
      const isGhost = reason !== null;
      if (reason !== null) voidById.set(id, reason);
      const role = membership.roleOf(device);
      const mayDelete = role === 'trusted' || role === 'anchor';
      document.updates.push({ eventId: id, client, isGhost, mayDelete, bytes: act.bytes, device, atMs: atMsOf(entry) });
    }
  }
  return { documents, voidById };
};

const placeOf = ({ event }: Entry) => {
  const { lane, seq, hlc } = event.header;
  const atMs = hlcToMs(hlc);
  return { device: event.author, lane, seq, atMs, counter: hlc - hlcFromMs(atMs) };
};

const atMsOf = ({ event }: Entry): number => hlcToMs(event.header.hlc);
