import { describe, expect, test } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { DocumentUpdate } from '../../src/lib/kernel/ports/documents.ts';
import { encodePlanUpdate } from '../../src/lib/replica/documents/plan-update.ts';
import { annasPlan, clients, createDesk, make, reasonOf, said } from '../unit/documents-fixture.ts';

describe('what one device may use up of a document', () => {
  test('whoever fills a document with more than one device may write is stopped there, and others go on', () => {
    const desk = createDesk('mallory');
    const updates: DocumentUpdate[] = [];
    while (desk.text.length <= limits.documentDeviceUnitsMax)
      updates.push(
        said(
          'mallory',
          desk.write(() => desk.text.insert(desk.text.length, 'x'.repeat(16_000))),
        ),
      );
    const { entry, words } = annasPlan();
    const view = make([...updates, entry]);
    expect(view.text).toHaveLength(Math.floor(limits.documentDeviceUnitsMax / 16_000) * 16_000 + words.length);
    expect(view.reasons.map(({ reason }) => reason)).toEqual(['document-full']);
  });

  test('an update that makes Yjs walk over the document again and again is void by a count of steps, not by a clock', () => {
    const anna = createDesk('anna');
    // Each letter is put before the one before, so that no two of them become one item.
    const letters = anna.write(() => {
      for (let index = 0; index < 1_000; index++) anna.text.insert(0, 'a');
    });
    const start = said('anna', letters);
    const structs = Array.from({ length: 900 }, (_, clock) => ({
      clock,
      length: 1,
      origin: { client: clients.anna, clock: 999 },
      rightOrigin: { client: clients.anna, clock: clock % 900 },
      root: null,
      content: { kind: 'text', text: 'x' } as const,
    }));
    const attack = said('mallory', encodePlanUpdate({ client: clients.mallory, clock: 0, structs, deletes: [] }));
    const view = make([start, attack]);
    expect(reasonOf(view, attack)).toBe('document-cost');
    expect(view.text).toBe('a'.repeat(1_000));
  });
});
