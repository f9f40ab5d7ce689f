import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { foldMembership, type Membership } from '../../src/lib/log/membership.ts';
import { findDuty } from '../../src/lib/node/duties.ts';
import { actor } from '../support/actors.ts';
import { createHistory } from '../support/history.ts';
import { todayMs } from './street-fixture.ts';

/** anna founds, trusts bora and lets chen in; the key of today is sealed to these devices. */
const street = async (sealedTo: readonly string[], openedAtMs = todayMs) => {
  const [anna, bora, chen] = [await actor('anna'), await actor('bora'), await actor('chen')];
  const history = createHistory();
  await history.found(anna);
  await history.admit(anna, bora);
  await history.admit(anna, chen);
  await history.promote(anna, bora, 'trusted');
  await history.openEpoch(anna, 'today', 'today', { hlc: hlcFromMs(openedAtMs) });
  const folded = foldMembership(history.logOf());
  const [epoch] = folded.epochs;
  const devices = await Promise.all(sealedTo.map((name) => actor(name)));
  const sealedKeys = devices.map(({ device }) => ({
    device,
    epoch: epoch?.epoch ?? '',
    sealedKey: new Uint8Array(80) as Bytes,
  }));
  const membership: Membership = { ...folded, sealedKeys };
  const dutyOf = (device: string, hasKey = true) =>
    findDuty(membership, { device, nowMs: todayMs, hasKey: () => hasKey, dueCheckpoint: () => null });
  return { anna, bora, chen, dutyOf };
};
const everybody = ['anna', 'bora', 'chen'];

describe('the duty of trusted devices', () => {
  it('is nothing while everybody holds a fresh key, and never a plain member’s', async () => {
    const { anna, bora, chen, dutyOf } = await street(everybody);
    expect([anna, bora, chen].map(({ device }) => dutyOf(device))).toEqual([null, null, null]);
    expect(dutyOf(chen.device, false)).toBeNull();
  });

  it('is a seal for chen where somebody left her out', async () => {
    const { bora, chen, dutyOf } = await street(['anna', 'bora']);
    expect(dutyOf(bora.device)).toEqual({ what: 'reseal', devices: [chen.device] });
  });

  it('is a new key where a device that is not in could read the old one, or where it cannot be read here', async () => {
    const stale = await street([...everybody, 'mallory']);
    expect(stale.dutyOf(stale.anna.device)).toEqual({ what: 'rotate', because: 'stale' });
    const wrong = await street(everybody);
    expect(wrong.dutyOf(wrong.bora.device, false)).toEqual({ what: 'rotate', because: 'unreadable' });
  });

  it('is a new key after a month, and also where the old one is dated far ahead', async () => {
    const [old, ahead] = [todayMs - limits.keyLifeMs - 1_000, todayMs + 20 * limits.keyLifeMs];
    for (const openedAtMs of [old, ahead]) {
      const { anna, dutyOf } = await street(everybody, openedAtMs);
      expect(dutyOf(anna.device)).toEqual({ what: 'rotate', because: 'old' });
    }
  });
});
