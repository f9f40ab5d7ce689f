import { hpkeOpen, hpkeSeal } from '../crypto/hpke.ts';
import { concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Stop } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, Keyring } from '../kernel/ports/crypto.ts';
import type { Commit, Store } from '../kernel/ports/store.ts';
import { cutsOf } from '../log/cuts.ts';
import { encodeStatement, statementMessage, type Cut } from '../log/intent.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { certificateKey, type Device } from './device.ts';

/** own-behind: a neighbour holds more of us than we do (the disk went back in time); own-forked: it holds something else of us. */
export type RetireReason = 'own-behind' | 'own-forked';

/** What this device holds to come back with its new key: the farewell of the old one, and the community key sealed to the new one. */
export type Farewell = {
  readonly community: Bytes;
  readonly statement: Bytes;
  readonly signature: Bytes;
  readonly sealedKey: Bytes | null;
};
export type Retired = { readonly reason: RetireReason; readonly at: number; readonly farewell: Farewell | null };

const retiredKey = 'retired';

/**
 * Gives up this device's key for good when somebody else writes with it, or has: a copied profile, or a disk that went back.
 * From then on nothing is signed with it. Where the root is kept, a new key takes over with its farewell and the community key
 * sealed to it (`identity-return.ts` brings it back in); without the root the device starts as a stranger and can be linked again.
 */
export const openRetirement = async (deps: {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly device: () => Device;
  readonly restart: () => void;
}) => {
  const { crypto, clock, store, keyring } = deps;
  let retired = readRetired(await store.get(retiredKey));
  let isRetiring = false;

  /** Nothing more is signed from now on. The key changes when no more of our own comes from neighbours: all that has come stands. */
  const retire = (reason: RetireReason, here: Neighbourhood): void => {
    here.log.retire();
    if (isRetiring) return;
    isRetiring = true;
    let cancel: Stop = () => {};
    const wait = (): void => {
      cancel();
      cancel = clock.after(limits.retireQuietMs, () => {
        stopListening();
        void changeKey(reason, here);
      });
    };
    const { device } = deps.device();
    const stopListening = here.log.onStored(({ entries }) => {
      if (entries.some(({ event }) => event.author === device)) wait();
    });
    wait();
  };

  const changeKey = async (reason: RetireReason, here: Neighbourhood): Promise<void> => {
    const { root, keys } = deps.device();
    const { keys: next, commit } = await keyring.prepare({ root: root ? 'keep' : 'new', device: 'new' });
    const { community } = here.log;
    const statement = encodeStatement(community, keys.signing.publicKey, farewellCuts(here, deps.device()));
    const key = here.currentKey()?.key;
    const farewell: Farewell | null = root && {
      community,
      statement,
      signature: await root.sign(statementMessage(statement)),
      sealedKey: key ? await hpkeSeal(crypto, next.device.agreement.publicKey, sealInfo(community), key) : null,
    };
    const record: Retired = { reason, at: Math.floor(clock.now()), farewell };
    const along: NonNullable<Commit['kv']> = [
      { key: retiredKey, value: record },
      { key: certificateKey, value: null },
    ];
    const kept = await commit(root ? along : [...along, { key: 'card', value: null }]);
    if (kept.ok) return void clock.after(0, deps.restart);
    // A full disk: nothing is signed meanwhile, and it is tried again.
    clock.after(limits.adoptionRetryMs, () => void changeKey(reason, here));
  };

  return {
    retire,
    current: (): Retired | null => retired,
    /** The community key that was kept for the way back; null when there is none, or this is not the device it was kept for. */
    openKey: async (): Promise<Bytes | null> => {
      const farewell = retired?.farewell;
      if (!farewell?.sealedKey) return null;
      return hpkeOpen(crypto, deps.device().keys.agreement, sealInfo(farewell.community), farewell.sealedKey);
    },
    /** The new key is in the neighbourhood. The reason stays to be read until the next start. */
    noteBack: async (): Promise<void> => {
      if (!retired?.farewell) return;
      retired = { ...retired, farewell: null };
      await store.commit({ kv: [{ key: retiredKey, value: null }] }, 'strict');
    },
    /** Linked or restored since: what happened to an older key is of no interest any more. */
    forgetting: { key: retiredKey, value: null },
  };
};
export type Retirement = Awaited<ReturnType<typeof openRetirement>>;

const sealInfo = (community: Bytes): Bytes => concatBytes(utf8('HN-RETURN-KEY'), community);

/** Everything of the old key stands that is held here, except from a forked place on. Lane 0 and the newest months first. */
const farewellCuts = ({ log }: Neighbourhood, { device, keys }: Device): Cut[] =>
  cutsOf(log, [device]).map((cut) => {
    const fork = log.forks().find((each) => each.device === device && each.lane === cut.lane);
    const digest = fork && fork.seq < cut.count ? log.digestAt(device, cut.lane, fork.seq) : null;
    return fork && digest ? { device: keys.signing.publicKey, lane: cut.lane, count: fork.seq, digest } : cut;
  });

const readRetired = (stored: unknown): Retired | null => {
  if (typeof stored !== 'object' || stored === null) return null;
  const { reason, at, farewell } = stored as Record<string, unknown>;
  if ((reason !== 'own-behind' && reason !== 'own-forked') || typeof at !== 'number') return null;
  return { reason, at, farewell: isFarewell(farewell) ? farewell : null };
};

const isFarewell = (value: unknown): value is Farewell => {
  if (typeof value !== 'object' || value === null) return false;
  const { community, statement, signature, sealedKey } = value as Record<string, unknown>;
  return (
    [community, statement, signature].every((each) => each instanceof Uint8Array) &&
    (sealedKey === null || sealedKey instanceof Uint8Array)
  );
};
