import { decodeCbor, encodeCbor, type Cbor } from '../kernel/codec.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Store } from '../kernel/ports/store.ts';
import { letterFields, readLetter, type Letter } from './box-item.ts';
import { letterEndMs } from './custody.ts';

/** A letter of this device that is under way. It is handed on once a relay keeps it or a neighbour has said that they carry it. */
export type LetterOut = { readonly letter: Letter; isAtRelay: boolean; readonly carriers: Set<string> };

const keyPrefix = 'letter/out/';

/** The letters this device has written and that are not known to have arrived, over restarts. */
export const openLettersOut = async ({ clock, store }: { readonly clock: Clock; readonly store: Store }) => {
  const outById = new Map<string, LetterOut>();
  for (const { key, value } of await store.list(keyPrefix)) {
    const out = readOut(value);
    if (out) outById.set(key.slice(keyPrefix.length), out);
  }

  const keep = async (out: LetterOut, durability: 'strict' | 'relaxed'): Promise<boolean> => {
    const value = encodeCbor([letterFields(out.letter), out.isAtRelay, [...out.carriers]]);
    const key = keyPrefix + bytesToText(out.letter.id);
    return (await store.commit({ kv: [{ key, value }] }, durability)).ok;
  };
  const end = async (id: string): Promise<boolean> => {
    if (!outById.delete(id)) return false;
    await store.commit({ kv: [{ key: keyPrefix + id, value: null }] }, 'relaxed');
    return true;
  };

  return {
    add: async (letter: Letter): Promise<'kept' | 'too-many' | 'disk'> => {
      if (outById.size >= limits.lettersUnderWayMax) return 'too-many';
      const out: LetterOut = { letter, isAtRelay: false, carriers: new Set() };
      if (!(await keep(out, 'strict'))) return 'disk';
      outById.set(bytesToText(letter.id), out);
      return 'kept';
    },
    get: (id: string): LetterOut | null => outById.get(id) ?? null,
    all: (): readonly LetterOut[] => [...outById.values()],
    noteAtRelay: async (out: LetterOut): Promise<void> => {
      out.isAtRelay = true;
      await keep(out, 'relaxed');
    },
    noteCarrier: async (id: string, device: string): Promise<boolean> => {
      const out = outById.get(id);
      if (!out || out.carriers.size >= limits.lettersCarriersMax) return false;
      out.carriers.add(device);
      await keep(out, 'relaxed');
      return true;
    },
    /** It has arrived, or nobody carries it any longer; true when it was under way. */
    end,
    dropExpired: async (): Promise<void> => {
      for (const [id, { letter }] of outById) if (letterEndMs(letter) <= clock.now()) await end(id);
    },
  };
};
export type LettersOut = Awaited<ReturnType<typeof openLettersOut>>;

const readOut = (value: unknown): LetterOut | null => {
  const decoded = value instanceof Uint8Array ? decodeCbor(value) : null;
  if (!decoded?.ok || !Array.isArray(decoded.value)) return null;
  const [fields, isAtRelay, carriers] = decoded.value as readonly Cbor[];
  const letter = fields === undefined ? null : readLetter(fields);
  if (!letter || typeof isAtRelay !== 'boolean' || !Array.isArray(carriers)) return null;
  return { letter, isAtRelay, carriers: new Set(carriers.filter((each) => typeof each === 'string')) };
};
