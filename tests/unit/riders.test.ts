import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createRiders } from '../../src/lib/mesh/riders.ts';

describe('what rides with a sign of life', () => {
  it('comes back out as it went in, each on its channel', () => {
    const riders = createRiders();
    riders.add('sync', () => [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
    riders.add('rpc', () => [Uint8Array.of(5)]);
    expect(riders.read(riders.gather())).toEqual([
      { channel: 'sync', frame: Uint8Array.of(1, 2, 3) },
      { channel: 'sync', frame: Uint8Array.of(4) },
      { channel: 'rpc', frame: Uint8Array.of(5) },
    ]);
    expect(riders.read(new Uint8Array(0))).toEqual([]);
  });

  it('never takes more room than there is, and whoever left is not asked', () => {
    const riders = createRiders();
    const stop = riders.add('sync', () => [new Uint8Array(1)]);
    stop();
    riders.add('sync', (room) => [new Uint8Array(room), new Uint8Array(1)]);
    expect(riders.gather().length).toBe(limits.riderBytesMax);
  });

  it('cut at any byte, of no channel, empty or too long is refused whole', () => {
    const riders = createRiders();
    riders.add('sync', () => [Uint8Array.of(1, 2, 3)]);
    const whole = riders.gather();
    for (let length = 1; length < whole.length; length++) expect(riders.read(whole.subarray(0, length))).toBeNull();
    expect(riders.read(Uint8Array.of(9, 0, 0, 0, 1, 7))).toBeNull();
    expect(riders.read(Uint8Array.of(0, 0, 0, 0, 0))).toBeNull();
    expect(riders.read(new Uint8Array(limits.riderBytesMax + 1))).toBeNull();
  });
});
