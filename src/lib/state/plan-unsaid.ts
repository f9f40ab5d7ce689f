import type { CharId, CharRange, DocumentEdit } from '../kernel/ports/documents.ts';
import type { TextStore } from './kept-text.svelte.ts';

type Words = Pick<DocumentEdit, 'inserts' | 'removes'>;
type KeptWords = { inserts: DocumentEdit['inserts'][number][]; removes: CharRange[] };

const keyOf = (doc: string): string => `hearthnet.plan.${doc}`;

/** Keeps what was typed into a plan and not said yet, at every keystroke, so that a closed page loses nothing. */
export const keepWords = (store: TextStore, doc: string, words: Words): void =>
  store.write(keyOf(doc), words.inserts.length + words.removes.length === 0 ? '' : JSON.stringify(words));

/** What an earlier page left; null when there is nothing that can be read. */
export const keptWords = (store: TextStore, doc: string): KeptWords | null => {
  const kept = store.read(keyOf(doc));
  if (!kept) return null;
  try {
    const value: unknown = JSON.parse(kept);
    if (typeof value !== 'object' || value === null || !('inserts' in value) || !('removes' in value)) return null;
    if (!Array.isArray(value.inserts) || !Array.isArray(value.removes)) return null;
    return { inserts: value.inserts.flatMap(readInsert), removes: value.removes.flatMap(readRange) };
  } catch {
    return null;
  }
};

const readInsert = (value: unknown): KeptWords['inserts'] => {
  if (typeof value !== 'object' || value === null || !('after' in value) || !('text' in value)) return [];
  const after = value.after === null ? null : readId(value.after);
  return after === undefined || typeof value.text !== 'string' ? [] : [{ after, text: value.text }];
};

const readRange = (value: unknown): CharRange[] => {
  const id = readId(value);
  if (!id || typeof value !== 'object' || value === null || !('length' in value)) return [];
  return typeof value.length === 'number' ? [{ ...id, length: value.length }] : [];
};

const readId = (value: unknown): CharId | undefined => {
  if (typeof value !== 'object' || value === null || !('client' in value) || !('clock' in value)) return undefined;
  const { client, clock } = value;
  return typeof client === 'number' && typeof clock === 'number' ? { client, clock } : undefined;
};
