import { limits } from '../kernel/limits.ts';
import type { BlobRefusal } from '../kernel/ports/blobs.ts';
import type { Store } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** What was asked for and is not whole yet, kept over restarts. `holder` needs it; `isPinned`: a person wants it kept. */
export type Wanted = { readonly holder: string; readonly isPinned: boolean };

const prefix = 'blobs/wanted/';
const cidPattern = /^[A-Za-z0-9_-]{43}$/;

export const isCid = (text: string): boolean => cidPattern.test(text);

export const saveWanted = async (
  store: Store,
  cid: string,
  wanted: Wanted | null,
): Promise<Result<void, BlobRefusal>> => {
  const saved = await store.commit({ kv: [{ key: `${prefix}${cid}`, value: wanted }] }, 'strict');
  if (saved.ok) return ok(undefined);
  return err(saved.error === 'quota-full' ? 'quota-full' : 'disk-failed');
};

/** Only what this code wrote counts, and never more than may be wanted. */
export const loadWanted = async (store: Store): Promise<Map<string, Wanted>> => {
  const found = new Map<string, Wanted>();
  for (const { key, value } of (await store.list(prefix)).slice(0, limits.blobsWantedMax)) {
    const cid = key.slice(prefix.length);
    if (isCid(cid) && isWanted(value)) found.set(cid, { holder: value.holder, isPinned: value.isPinned });
  }
  return found;
};

const isWanted = (value: unknown): value is Wanted =>
  typeof value === 'object' &&
  value !== null &&
  'holder' in value &&
  typeof value.holder === 'string' &&
  'isPinned' in value &&
  typeof value.isPinned === 'boolean';
