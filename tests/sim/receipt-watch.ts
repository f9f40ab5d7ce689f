import { decodeCbor, isCborBytes, isCborCount, isCborList } from '../../src/lib/kernel/codec.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { SimDevice } from './device.ts';
import { heldOnDisk } from './disk.ts';

type Claim = { readonly device: string; readonly nextByPlace: ReadonlyMap<string, number> };

/**
 * Looks into every node and every disk at one moment: no node may count a neighbour as holding what is not on that
 * neighbour's disk, and nothing that waits may outgrow its bound. Returns what is wrong, in sentences.
 */
export const createReceiptWatch = () => {
  const claimsByBytes = new WeakMap<Uint8Array, Claim>();
  const readClaim = (bytes: Uint8Array): Claim => {
    const known = claimsByBytes.get(bytes);
    if (known) return known;
    const claim = parseClaim(bytes);
    claimsByBytes.set(bytes, claim);
    return claim;
  };

  /** `steady`: those whose disk holds what they once signed to hold; a disk that was put back does not. */
  return (members: readonly SimDevice[], steady: readonly SimDevice[] = members): string[] => {
    const wrong: string[] = [];
    const known = new Set(members.flatMap(({ ids }) => [...ids]));
    const heldById = new Map(steady.map((member) => [member.id, { name: member.name, held: heldOnDisk(member.disk) }]));
    const forked = new Set(
      members
        .flatMap((member) => member.node()?.current()?.log.forks() ?? [])
        .map(({ device, lane }) => `${device} ${lane}`),
    );
    for (const member of members) {
      const node = member.node();
      const here = node?.current();
      if (!node || !here) continue;
      let strangers = 0;
      for (const bytes of here.receipts.all()) {
        const { device, nextByPlace } = readClaim(bytes);
        const holder = heldById.get(device);
        if (!holder) {
          strangers += known.has(device) ? 0 : 1;
          continue;
        }
        for (const [place, next] of nextByPlace) {
          // What is forked was cut off after it had been signed for.
          if (forked.has(place)) continue;
          const held = holder.held.get(place) ?? 0;
          if (held < next)
            wrong.push(
              `${member.name} counts ${holder.name} as holding ${next} of ${place.slice(0, 8)}..., whose disk holds ${held}`,
            );
        }
      }
      if (strangers > limits.receiptStrangersMax) wrong.push(`${member.name} keeps ${strangers} receipts of strangers`);
      const { orphans, parked } = here.log.waitingCounts();
      if (orphans > limits.orphansMax || parked > limits.parkedEventsMax)
        wrong.push(`${member.name}: ${orphans} orphans, ${parked} parked`);
      if (node.links.all().length > limits.linksMax) wrong.push(`${member.name} has ${node.links.all().length} links`);
    }
    return wrong;
  };
};

const parseClaim = (bytes: Uint8Array): Claim => {
  const outer = decodeCbor(bytes);
  const [body] = outer.ok && isCborList(outer.value) ? outer.value : [];
  const inner = isCborBytes(body) ? decodeCbor(body) : null;
  const [, , device, , places] = inner?.ok && isCborList(inner.value) ? inner.value : [];
  if (!isCborBytes(device) || !isCborList(places)) throw new Error('a receipt in a book does not parse');
  const nextByPlace = new Map<string, number>();
  for (const place of places) {
    const [author, lane, next] = isCborList(place) ? place : [];
    if (isCborBytes(author) && isCborCount(lane) && isCborCount(next))
      nextByPlace.set(`${bytesToText(author)} ${lane}`, next);
  }
  return { device: bytesToText(device), nextByPlace };
};
