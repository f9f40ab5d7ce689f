import type * as Recovery from '../crypto/recovery.ts';
import { bytesToText } from '../kernel/ids.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, KeyChange, Keyring } from '../kernel/ports/crypto.ts';
import type { Commit, Store, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createSignal } from '../kernel/watch.ts';
import { certificateKey, type Device } from './device.ts';
import type { LoadPart, PartRefusal } from './load-part.ts';

export type IdentityDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly device: () => Device;
  readonly parts: { readonly recovery: LoadPart<Pick<typeof Recovery, 'makeCard' | 'readCard'>> };
  /** Ends this node and starts another on the same disk: who it is has changed. */
  readonly restart: () => void;
};

/** Whether the recovery card was shown on this device and its words were typed in again rightly; milliseconds since 1970. */
export type CardNotes = { readonly shownAt: number | null; readonly testedAt: number | null };

const cardKey = 'card';
/** The answer to whoever asked for the change has to leave before the node does. */
const restartAfterMs = 150;

/** Who this device is, and every change of that: each is one commit, and the node starts anew with it. */
export const openIdentity = async ({ crypto, clock, store, keyring, device, parts, restart }: IdentityDeps) => {
  const changed = createSignal();
  let notes = readNotes(await store.get(cardKey));
  let isLeaving = false;

  const note = async (change: Partial<CardNotes>): Promise<boolean> => {
    const next = { ...notes, ...change };
    const kept = await store.commit({ kv: [{ key: cardKey, value: next }] }, 'strict');
    if (kept.ok) notes = next;
    changed.tell();
    return kept.ok;
  };

  /** The new keys and `along` in one commit, then the restart. Without the root a certificate has to be among `along`. */
  const become = async (
    change: KeyChange,
    along: NonNullable<Commit['kv']>,
  ): Promise<Result<string, StoreRefusal | 'changing'>> => {
    if (isLeaving) return err('changing');
    isLeaving = true;
    const { keys, commit } = await keyring.prepare(change);
    const forgotten = change.root === 'keep' ? [] : [{ key: cardKey, value: null }];
    const kept = await commit([{ key: certificateKey, value: null }, ...forgotten, ...along]);
    isLeaving = kept.ok;
    if (!kept.ok) return kept;
    clock.after(restartAfterMs, restart);
    return ok(bytesToText(keys.rootPublicKey));
  };

  const openCard = async (): Promise<Result<Recovery.Card, 'no-root' | PartRefusal>> => {
    const recovery = await parts.recovery();
    if (!recovery.ok) return recovery;
    const entropy = await device().root?.entropy();
    if (!entropy) return err('no-root');
    const made = await recovery.value.makeCard(crypto, entropy);
    entropy.fill(0);
    return ok(made);
  };

  const card = async (): Promise<Result<Recovery.Card, 'no-root' | 'quota-full' | PartRefusal>> => {
    const made = await openCard();
    if (!made.ok) return made;
    return (await note({ shownAt: Math.floor(clock.now()) })) ? made : err('quota-full');
  };

  const testCard = async (
    asked: readonly { readonly position: number; readonly word: string }[],
  ): Promise<Result<boolean, 'no-root' | PartRefusal>> => {
    const made = await openCard();
    if (!made.ok) return made;
    const { words } = made.value;
    const isRight =
      new Set(asked.map(({ position }) => position)).size >= wordsAskedMin &&
      asked.every(({ position, word }) => words[position] === word.trim().toLowerCase());
    if (isRight) await note({ testedAt: Math.floor(clock.now()) });
    return ok(isRight);
  };

  return {
    become,
    card,
    testCard,
    cardNotes: (): CardNotes => notes,
    readCard: async (text: string): Promise<Result<Bytes, Recovery.CardRefusal | { readonly reason: PartRefusal }>> => {
      const recovery = await parts.recovery();
      return recovery.ok ? recovery.value.readCard(crypto, text) : err({ reason: recovery.error });
    },
    onChange: changed.on,
  };
};
export type Identity = Awaited<ReturnType<typeof openIdentity>>;

/** One word could be read off a photograph of half the card. */
const wordsAskedMin = 2;

const readNotes = (stored: unknown): CardNotes => {
  const { shownAt, testedAt } =
    typeof stored === 'object' && stored !== null ? (stored as Record<string, unknown>) : {};
  return {
    shownAt: typeof shownAt === 'number' ? shownAt : null,
    testedAt: typeof testedAt === 'number' ? testedAt : null,
  };
};
