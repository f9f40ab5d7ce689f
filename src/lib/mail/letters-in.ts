import { decodeCbor, encodeCbor, isCborBytes, type Cbor } from '../kernel/codec.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Letter } from './box-item.ts';
import type { OpenLetter } from './letter.ts';

/** What is read of a letter: by whose device, and the words. */
export type LetterListener = (from: string, bytes: Bytes) => void | Promise<void>;

/** `bytes` is null once a reader has had them: what is left says only that it was read. */
type LetterIn = { readonly from: string; readonly topic: string; readonly bytes: Bytes | null; readonly secret: Bytes };

const keyPrefix = 'letter/in/';

/** Letters that have come to this device: each is given to the reader of its topic once, also when the reader comes later. */
export const openLettersIn = async ({ store }: { readonly store: Store }) => {
  const inById = new Map<string, LetterIn>();
  const readers = new Map<string, LetterListener>();
  for (const { key, value } of await store.list(keyPrefix)) {
    const letter = readIn(value);
    if (letter) inById.set(key.slice(keyPrefix.length), letter);
  }

  const keep = async (id: string, letter: LetterIn): Promise<boolean> => {
    const value = encodeCbor([letter.from, letter.topic, letter.bytes, letter.secret]);
    const oldest =
      inById.size >= limits.lettersReadMax ? [...inById].find(([, { bytes }]) => bytes === null)?.[0] : null;
    const gone = oldest ? [{ key: keyPrefix + oldest, value: null }] : [];
    const committed = await store.commit({ kv: [{ key: keyPrefix + id, value }, ...gone] }, 'strict');
    if (committed.ok && oldest) inById.delete(oldest);
    if (committed.ok) inById.set(id, letter);
    return committed.ok;
  };
  const read = async (id: string): Promise<void> => {
    const letter = inById.get(id);
    const reader = letter && readers.get(letter.topic);
    if (!reader || letter.bytes === null) return;
    // Noted first: a letter that breaks its reader is not given to it again for ever.
    if (await keep(id, { ...letter, bytes: null })) await reader(letter.from, letter.bytes);
  };

  return {
    /** The secret of a letter that came before; null for a new one. */
    secretOf: (letter: Letter): Bytes | null => inById.get(bytesToText(letter.id))?.secret ?? null,
    /** False when it could not be stored. */
    add: async (letter: Letter, { from, topic, bytes, secret }: OpenLetter): Promise<boolean> => {
      const id = bytesToText(letter.id);
      if (!(await keep(id, { from, topic, bytes, secret }))) return false;
      await read(id);
      return true;
    },
    on: (topic: string, reader: LetterListener): (() => void) => {
      readers.set(topic, reader);
      void (async () => {
        for (const [id, letter] of [...inById]) if (letter.topic === topic) await read(id);
      })();
      return () => void (readers.get(topic) === reader && readers.delete(topic));
    },
  };
};
export type LettersIn = Awaited<ReturnType<typeof openLettersIn>>;

const readIn = (value: unknown): LetterIn | null => {
  const decoded = value instanceof Uint8Array ? decodeCbor(value) : null;
  if (!decoded?.ok || !Array.isArray(decoded.value)) return null;
  const [from, topic, bytes, secret] = decoded.value as readonly Cbor[];
  if (typeof from !== 'string' || typeof topic !== 'string' || !isCborBytes(secret, 32)) return null;
  return bytes === null || isCborBytes(bytes) ? { from, topic, bytes, secret } : null;
};
