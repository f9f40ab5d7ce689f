import { describe, expect, test } from 'vitest';
import { createPlanDocument } from '../../src/lib/replica/documents/plan-document.ts';
import { encodePlanUpdate, parsePlanUpdate } from '../../src/lib/replica/documents/plan-update.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';
import { annasPlan, clients, said } from '../unit/documents-fixture.ts';
import { mutate } from './fuzz-fixture.ts';

describe('fuzz: bytes that are not the one spelling of a plan update never come in', () => {
  test('of 20,000 mutants of honest updates every one that is taken is canonical, and Yjs takes it whole', () => {
    const random = createSeededRandom(20_260_703);
    const { desk, update, entry } = annasPlan();
    const seeds = [
      update,
      desk.write(() => desk.text.insert(4, ' all')),
      desk.write(() => desk.text.delete(0, 9)),
      desk.write(() => desk.ticks.push([`${clients.anna}:0+`, `${clients.anna}:3-`])),
    ];
    let taken = 0;
    for (let input = 0; input < 20_000; input++) {
      const bytes = mutate(random, seeds);
      const parsed = parsePlanUpdate(bytes);
      if (!parsed.ok) continue;
      taken += 1;
      expect(encodePlanUpdate(parsed.value)).toEqual(bytes);
      const document = createPlanDocument();
      document.add([entry, said('mallory', bytes), said('anna', bytes)]);
      expect(document.doc.store.pendingStructs ?? document.doc.store.pendingDs).toBeNull();
      document.doc.destroy();
    }
    expect(taken).toBeGreaterThan(0);
  });
});
