import { hlcMonth, nextHlc, type Hlc } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort, SigningKey, Bytes } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { authorityLane, monthLane, signEvent, type Header } from './event.ts';
import { encodePayload, kinds, type KindName, type Payload } from './kinds.ts';
import type { Entry, Head, Lanes } from './lanes.ts';
import type { Damage } from './load-lanes.ts';

/** What a neighbour's heads say of our own lanes, beside our log: more than we have, or something else at the same place. */
export type OwnComparison = 'same' | 'behind' | 'forked';

type OwnDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly community: Bytes;
  readonly signing: SigningKey;
  readonly lanes: Lanes;
  readonly damages: () => readonly Damage[];
};

/** What this device writes itself: the next place of a kind, the signed event, and whether a neighbour knows more of us. */
export const createOwnEvents = ({ crypto, clock, random, community, signing, lanes, damages }: OwnDeps) => {
  const own = bytesToText(signing.publicKey);
  const holds = new Set<Promise<void>>();
  let lastHlc: Hlc = 0;
  let isRetired = false;

  const nextPlace = (kind: KindName): { lane: number; seq: number; hlc: Hlc } => {
    const isAuthority = kinds[kind].lane === 'authority';
    const now = nextHlc(lastHlc, clock.now());
    const lane = isAuthority ? authorityLane : monthLane(hlcMonth(now));
    const seq = lanes.next(own, lane);
    const before = lanes.at(own, lane, seq - 1)?.event.header.hlc ?? 0;
    lastHlc = Math.max(now, before + 1);
    return { lane, seq, hlc: lastHlc };
  };

  /** An event of ours once stood here and the disk has lost it: signing another one would be a fork. It comes back by sync. */
  const isLost = (lane: number, seq: number): boolean =>
    damages().some((each) => each.author === own && each.lane === lane && seq <= each.to);

  return {
    own,
    /** Resolves when nothing holds appends back. */
    released: async (): Promise<void> => void (await Promise.all(holds)),
    hold: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      holds.add(promise);
      return () => {
        holds.delete(promise);
        resolve();
      };
    },
    retire: (): void => void (isRetired = true),
    isRetired: (): boolean => isRetired,
    /** The next event of a kind, signed and not stored; null where the disk has lost one. */
    make: async <K extends KindName>(kind: K, body: Payload<K>, expires: number): Promise<Entry | null> => {
      const payload = encodePayload(random, kind, body);
      const place = nextPlace(kind);
      if (isLost(place.lane, place.seq)) return null;
      const header: Header = {
        community,
        author: signing.publicKey,
        ...place,
        kind: kinds[kind].number,
        expires,
        payloadHash: await crypto.sha256(payload),
        payloadSize: payload.length,
      };
      return { event: await signEvent(crypto, signing, header), payload };
    },
    /** A claim, not yet a proof: what a neighbour says counts when our own signed events come from there. */
    compare: (heads: readonly Head[]): OwnComparison => {
      let isBehind = false;
      for (const { author, lane, next, digest } of heads) {
        if (author !== own || next === 0) continue;
        const ours = lanes.digestAt(own, lane, next);
        if (ours === null) isBehind ||= !isLost(lane, next - 1);
        else if (!areBytesEqual(ours, digest)) return 'forked';
      }
      return isBehind ? 'behind' : 'same';
    },
  };
};
export type OwnEvents = ReturnType<typeof createOwnEvents>;
