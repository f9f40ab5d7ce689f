import { describe, expect, it } from 'vitest';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createMemoryDisk, type StoreFault } from '../../src/lib/stores/memory-store.ts';
import { everythingOf, makeStreet, openLog, openNeighbourhood, say, todayLane } from './street-fixture.ts';

const annaHearsBora = async () => {
  const street = await makeStreet('anna', 'bora');
  const [anna, bora] = street.people;
  if (!anna || !bora) throw new Error('nobody lives here');
  const atBora = await street.move(bora);
  unwrap(await say(atBora.log, 'Hello'));
  const disk = createMemoryDisk();
  let fault: StoreFault | null = null;
  const atAnna = await openNeighbourhood(anna, street.community, { disk, beforeCommit: () => fault });
  unwrap(await atAnna.log.receive(everythingOf(atBora.log), 'bora'));
  const meet = (next: StoreFault | null): void => {
    fault = next;
  };
  return { street, anna, bora, atAnna, disk, meet };
};

describe('a receipt and the disk behind it', () => {
  it('what anna has given bora a receipt for is still on her disk after the power was cut', async () => {
    const { street, anna, bora, atAnna, disk, meet } = await annaHearsBora();
    expect(await atAnna.receipts.refreshOwn()).not.toBeNull();
    meet('power-cut');
    await expect(say(atAnna.log, 'Is anybody there?')).rejects.toThrow('the device stopped here');
    const again = await openLog(anna, street.community, { disk });
    expect(again.log.next(bora.device, todayLane)).toBe(1);
    expect(again.log.slice(bora.device, todayLane, 0, 1)[0]?.payload).not.toBeNull();
  });

  it('anna gives no receipt that her full disk refuses, and gives it when there is room again', async () => {
    const { atAnna, meet } = await annaHearsBora();
    meet('quota-full');
    expect(await atAnna.receipts.refreshOwn()).toBeNull();
    expect(atAnna.receipts.all()).toEqual([]);
    expect(atAnna.receipts.hasNews()).toBe(true);
    meet(null);
    expect(await atAnna.receipts.refreshOwn()).not.toBeNull();
    expect(atAnna.receipts.hasNews()).toBe(false);
  });
});
