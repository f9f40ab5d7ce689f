import { describe, expect, it } from 'vitest';
import { createStops } from '../../src/lib/kernel/lifecycle.ts';

describe('what was opened', () => {
  it('is closed once, the newest first, and can be opened anew', () => {
    const closed: string[] = [];
    const stops = createStops();
    for (const name of ['clock', 'links']) stops.add(() => closed.push(name));
    stops.run();
    stops.run();
    expect(closed).toEqual(['links', 'clock']);
    stops.add(() => closed.push('clock again'));
    stops.run();
    expect(closed).toEqual(['links', 'clock', 'clock again']);
  });

  it('is closed whole, also when one closer throws, and that is told', () => {
    const closed: string[] = [];
    const stops = createStops();
    stops.add(() => closed.push('clock'));
    stops.add(() => {
      throw new Error('a closer that breaks');
    });
    stops.add(() => closed.push('links'));
    expect(() => stops.run()).toThrow('a closer that breaks');
    expect(closed).toEqual(['links', 'clock']);
    stops.run();
    expect(closed).toHaveLength(2);
  });

  it('while closing opens nothing that would be closed in the same turn', () => {
    const closed: string[] = [];
    const stops = createStops();
    stops.add(() => {
      closed.push('first');
      stops.add(() => closed.push('late'));
    });
    stops.run();
    expect(closed).toEqual(['first']);
    stops.run();
    expect(closed).toEqual(['first', 'late']);
  });
});
