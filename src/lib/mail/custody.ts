import { bytesToText } from '../kernel/ids.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Store } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { decodeCbor, encodeCbor } from '../kernel/codec.ts';
import { letterFields, readLetter, type Letter } from './box-item.ts';

export type CustodyRefusal = 'custody-expired' | 'custody-too-long' | 'custody-share' | 'custody-full' | 'custody-disk';

type Held = { readonly letter: Letter; readonly from: string };

const keyPrefix = 'letter/held/';

/**
 * Letters of neighbours for neighbours who are away: kept on this disk until they come, for at most 30 days, and of nobody more than
 * their share. Nothing of them can be read here.
 */
export const openCustody = async ({ clock, store }: { readonly clock: Clock; readonly store: Store }) => {
  const heldById = new Map<string, Held>();
  for (const { key, value } of await store.list(keyPrefix)) {
    const held = readHeld(value);
    if (held) heldById.set(key.slice(keyPrefix.length), held);
  }

  const remove = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) heldById.delete(id);
    if (ids.length > 0) await store.commit({ kv: ids.map((id) => ({ key: keyPrefix + id, value: null })) }, 'relaxed');
  };
  const dropExpired = (): Promise<void> =>
    remove([...heldById].flatMap(([id, { letter }]) => (letterEndMs(letter) <= clock.now() ? [id] : [])));

  return {
    /** Resolves when it is on the disk: only then may anybody count on it. */
    take: async (letter: Letter, from: string): Promise<Result<null, CustodyRefusal>> => {
      const id = bytesToText(letter.id);
      if (heldById.has(id)) return ok(null);
      if (letterEndMs(letter) <= clock.now()) return err('custody-expired');
      if (letterEndMs(letter) > clock.now() + limits.mailKeepMs + limits.clockOffMs) return err('custody-too-long');
      await dropExpired();
      const own = [...heldById.values()].filter((held) => held.from === from);
      if (bytesOf(own) + costOf(letter) > limits.custodyBytesPerDeviceMax) return err('custody-share');
      if (bytesOf([...heldById.values()]) + costOf(letter) > limits.custodyBytesMax) return err('custody-full');
      const value = encodeCbor([letterFields(letter), from]);
      heldById.set(id, { letter, from });
      const committed = await store.commit({ kv: [{ key: keyPrefix + id, value }] }, 'strict');
      if (committed.ok) return ok(null);
      heldById.delete(id);
      return err('custody-disk');
    },
    for: (device: string): Letter[] =>
      [...heldById.values()].map(({ letter }) => letter).filter(({ to }) => bytesToText(to) === device),
    /** True when it was here. */
    release: async (id: string): Promise<boolean> => {
      const isHere = heldById.has(id);
      if (isHere) await remove([id]);
      return isHere;
    },
    dropExpired,
    count: (): number => heldById.size,
  };
};
export type Custody = Awaited<ReturnType<typeof openCustody>>;

export const letterEndMs = ({ expires }: Letter): number => hlcEpochMs + expires * 1000;

const costOf = ({ sealed }: Letter): number => sealed.length + limits.mailItemCostBytes;
const bytesOf = (held: readonly Held[]): number => held.reduce((total, { letter }) => total + costOf(letter), 0);

const readHeld = (value: unknown): Held | null => {
  const decoded = value instanceof Uint8Array ? decodeCbor(value) : null;
  if (!decoded?.ok || !Array.isArray(decoded.value)) return null;
  const [fields, from] = decoded.value;
  const letter = readLetter(fields);
  return letter && typeof from === 'string' ? { letter, from } : null;
};
