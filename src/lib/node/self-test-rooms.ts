import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { DocumentRoomPort } from '../kernel/ports/documents.ts';
import type { Random } from '../kernel/ports/random.ts';

export type RoomProof = { readonly ok: boolean; readonly detail: string };

/** Puts a sealed file in, reads it back byte for byte, and takes it away again. */
export const blobsKeep = async ({
  blobs,
  random,
}: {
  readonly blobs: Blobs;
  readonly random: Random;
}): Promise<RoomProof> => {
  const bytes = random.bytes(1_024);
  const source = (async function* () {
    yield bytes;
  })();
  const stored = await blobs.put(source, { mediaType: 'application/octet-stream', isShared: false, isSealed: true });
  if (!stored.ok) return { ok: false, detail: stored.error };
  const { cid, key } = stored.value;
  const read: number[] = [];
  const reading = blobs.read(cid, key ? { key } : {});
  let step = await reading.next();
  for (; !step.done; step = await reading.next()) read.push(...step.value);
  const removed = await blobs.remove(cid);
  const isSame = step.value.ok && areBytesEqual(Uint8Array.from(read), bytes);
  return { ok: isSame && removed.ok && blobs.view(cid) === null, detail: 'put in, read, remove' };
};

/** Writes a line in a document that nobody keeps, and folds it again from what was to be said in the log. */
export const documentsMerge = async ({
  documents,
  random,
}: {
  readonly documents: DocumentRoomPort;
  readonly random: Random;
}): Promise<RoomProof> => {
  const doc = `self-test ${bytesToText(random.bytes(9))}`;
  const author = { client: 7, mayDelete: false };
  const empty = await documents.fold(doc, 0, []);
  if (!empty.ok) return { ok: false, detail: empty.error };
  const inserts = [{ after: null, text: 'water' }];
  const edited = await documents.edit(doc, author, { inserts, removes: [], ticks: [], isRepeated: false });
  if (!edited.ok) return { ok: false, detail: edited.error };
  const updates = edited.value.updates.map((bytes, at) => ({ ...author, eventId: `${at}`, isGhost: false, bytes }));
  const folded = await documents.fold(doc, 0, updates);
  return {
    ok: folded.ok && folded.value.text === 'water' && folded.value.reasons.length === 0,
    detail: folded.ok ? 'write, fold, compare' : folded.error,
  };
};
