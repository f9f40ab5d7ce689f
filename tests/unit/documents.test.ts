import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { DocumentEdit, DocumentUpdate, DocumentView } from '../../src/lib/kernel/ports/documents.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { clients, createDesk, make, reasonOf, said, type Desk, type Writer } from './documents-fixture.ts';

const nothing: DocumentEdit = { inserts: [], removes: [], ticks: [], isRepeated: false };

type Act = {
  readonly who: Writer;
  /** How much of what the others have said by then has come here, of 0 to 3 quarters; 4 is all of it. */
  readonly hears: number;
  readonly at: number;
  readonly what: 'write' | 'delete' | 'tick';
  /** How far this person's clock is off, in acts. */
  readonly clockOff: number;
};
const act: fc.Arbitrary<Act> = fc.record({
  who: fc.constantFrom('anna', 'bora', 'chen'),
  hears: fc.integer({ min: 0, max: 4 }),
  at: fc.nat(1_000),
  what: fc.constantFrom('write', 'write', 'delete', 'tick'),
  clockOff: fc.integer({ min: -6, max: 6 }),
});

/** People who write on their own desks, hear of each other late or never, and have clocks that are off. Anna is trusted. */
const playOut = (acts: readonly Act[]): { updates: DocumentUpdate[]; order: number[]; raw: Uint8Array[] } => {
  const desks: Record<string, Desk> = { anna: createDesk('anna'), bora: createDesk('bora'), chen: createDesk('chen') };
  const updates: DocumentUpdate[] = [];
  const order: number[] = [];
  const last: Record<string, number> = {};
  acts.forEach(({ who, hears, at, what, clockOff }, index) => {
    const desk = desks[who];
    if (!desk) return;
    desk.hear(...updates.slice(0, Math.floor((updates.length * hears) / 4)).map(({ bytes }) => bytes));
    const length = desk.text.length;
    const isAllowed = who === 'anna';
    const bytes = desk.write(() => {
      if (what === 'tick' && length > 0) desk.ticks.push([`${clients.anna}:${at}${at % 2 ? '+' : '-'}`]);
      else if (what === 'delete' && isAllowed && length > 1) desk.text.delete(at % (length - 1), 1 + (at % 2));
      else desk.text.insert(length === 0 ? 0 : at % (length + 1), `${who[0]}${index} `);
    });
    updates.push(said(who, bytes, { mayDelete: isAllowed }));
    const time = Math.max((last[who] ?? -100) + 1, index + clockOff);
    last[who] = time;
    order.push(time + clients[who] / 1e6);
  });
  return { updates, order, raw: updates.map(({ bytes }) => bytes) };
};

const inViewOrder = (updates: readonly DocumentUpdate[], order: readonly number[], held: readonly number[]) =>
  held.toSorted((a, b) => (order[a] ?? 0) - (order[b] ?? 0)).flatMap((index) => updates[index] ?? []);

const plain = ({ text, ranges, ticks, reasons }: DocumentView) => ({
  text,
  letters: ranges.flatMap(({ client, clock, length }) => Array.from({ length }, (_, at) => `${client}:${clock + at}`)),
  ticks,
  reasons: reasons.map(({ eventId, reason }) => `${eventId} ${reason}`).toSorted(),
});

describe('a document is a pure function of its events', () => {
  test('whatever the order in which they arrive, everybody ends with the same words, and so does Yjs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.nat()),
        async (acts, dice) => {
          const { updates, order, raw } = playOut(acts);
          const everything = updates.map((_, index) => index);
          const expected = plain(make(inViewOrder(updates, order, everything)));
          expect(expected.reasons).toEqual([]);
          const stock = new Y.Doc();
          for (const update of raw) Y.applyUpdate(stock, update);
          expect(expected.text).toBe(stock.getText('text').toJSON());

          const room = createDocumentRoom();
          const arrivals = everything.toSorted(() => ((dice.next().value ?? 0) % 3) - 1);
          let given: DocumentUpdate[] = [];
          let view: DocumentView | null = null;
          for (let count = 1; count <= arrivals.length; count++) {
            const list = inViewOrder(updates, order, arrivals.slice(0, count));
            let keep = 0;
            while (keep < given.length && given[keep] === list[keep]) keep++;
            view = unwrap(await room.fold('plan', keep, list.slice(keep)));
            given = list;
          }
          expect(view && plain(view)).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  test('what builds on words that are not here yet waits for them, and comes into effect with them', () => {
    const anna = createDesk('anna');
    const bora = createDesk('bora');
    const first = said(
      'anna',
      anna.write(() => anna.text.insert(0, 'Water: ')),
    );
    bora.hear(first.bytes);
    const second = said(
      'bora',
      bora.write(() => bora.text.insert(7, 'Chen')),
    );
    const third = said(
      'bora',
      bora.write(() => bora.text.insert(11, ', Dora')),
    );
    const early = make([second, third]);
    expect(early.text).toBe('');
    expect(early.reasons.map(({ reason }) => reason)).toEqual(['document-past', 'document-past']);
    expect(make([first, second, third]).text).toBe('Water: Chen, Dora');
  });
});

describe('the bounds are far from what people do', () => {
  test('2,000 changes here and there in a long plan all take effect: their walks are short', () => {
    const anna = createDesk('anna');
    const updates = [
      said(
        'anna',
        anna.write(() => anna.text.insert(0, 'w'.repeat(4_000))),
      ),
    ];
    for (let index = 0; index < 2_000; index++)
      updates.push(
        said(
          'anna',
          anna.write(() => anna.text.insert((index * 1_987) % anna.text.length, 'new ')),
        ),
      );
    expect(make(updates).reasons).toEqual([]);
  });
});

describe('whose words may go', () => {
  test('own words may be taken away by anybody, the words of others by trusted people only', () => {
    const anna = createDesk('anna');
    const bora = createDesk('bora');
    const start = said(
      'anna',
      anna.write(() => anna.text.insert(0, 'Keys: Anna')),
    );
    bora.hear(start.bytes);
    const added = said(
      'bora',
      bora.write(() => bora.text.insert(10, ' and Bora')),
    );
    const own = said(
      'bora',
      bora.write(() => bora.text.delete(10, 4)),
    );
    expect(make([start, added, own]).text).toBe('Keys: Anna Bora');
    const foreign = said(
      'bora',
      bora.write(() => bora.text.delete(0, 5)),
    );
    const view = make([start, added, own, foreign]);
    expect(view.text).toBe('Keys: Anna Bora');
    expect(reasonOf(view, foreign)).toBe('document-foreign-delete');
    expect(make([start, added, own, { ...foreign, mayDelete: true }]).text).toBe(' Anna Bora');
  });

  test('what one who was removed wrote vanishes, and the words that others wrote into it stay', () => {
    const anna = createDesk('anna');
    const mallory = createDesk('mallory');
    const start = said(
      'anna',
      anna.write(() => anna.text.insert(0, 'Plan. ')),
    );
    mallory.hear(start.bytes);
    const lies = said(
      'mallory',
      mallory.write(() => mallory.text.insert(6, 'Water is poisoned')),
    );
    anna.hear(lies.bytes);
    const inside = said(
      'anna',
      anna.write(() => anna.text.insert(11, ' here')),
    );
    const view = make([start, { ...lies, isGhost: true }, inside]);
    expect(view.text).toBe('Plan.  here');
    expect(reasonOf(view, lies)).toBe('document-author');
    expect(view.changes.map(({ eventId }) => eventId)).toEqual([start.eventId, inside.eventId]);
  });

  test('anybody may tick a line, and the last tick counts', () => {
    const anna = createDesk('anna');
    const bora = createDesk('bora');
    const start = said(
      'anna',
      anna.write(() => anna.text.insert(0, '- Fill the tubs')),
    );
    const line = `${clients.anna}:0`;
    bora.hear(start.bytes);
    const done = said(
      'bora',
      bora.write(() => bora.ticks.push([`${line}+`])),
    );
    anna.hear(done.bytes);
    const undone = said(
      'anna',
      anna.write(() => anna.ticks.push([`${line}-`])),
    );
    expect(make([start, done]).ticks).toEqual([
      { line: { client: clients.anna, clock: 0 }, isDone: true, by: clients.bora },
    ]);
    expect(make([start, done, undone]).ticks).toEqual([
      { line: { client: clients.anna, clock: 0 }, isDone: false, by: clients.anna },
    ]);
  });
});

describe('writing by characters', () => {
  const openRoom = async (updates: readonly DocumentUpdate[]) => {
    const room = createDocumentRoom();
    unwrap(await room.fold('plan', 0, updates));
    let list = [...updates];
    return {
      edit: async (who: Writer, edit: Partial<DocumentEdit>, mayDelete = false) => {
        const edited = unwrap(await room.edit('plan', { client: clients[who], mayDelete }, { ...nothing, ...edit }));
        const more = edited.updates.map((bytes) => said(who, bytes, { mayDelete }));
        const view = unwrap(await room.fold('plan', list.length, more));
        list = [...list, ...more];
        return { view, placed: edited.placed, updates: edited.updates };
      },
    };
  };

  test('words go after the character that was meant, also when it is gone, and the reply says where they stand', async () => {
    const room = await openRoom([]);
    const first = await room.edit('anna', { inserts: [{ after: null, text: 'Meet at the well' }] });
    expect(first.placed).toEqual([{ client: clients.anna, clock: 0 }]);
    const second = await room.edit('bora', { inserts: [{ after: { client: clients.anna, clock: 10 }, text: ' old' }] });
    expect(second.view.text).toBe('Meet at the old well');
    const third = await room.edit('anna', { removes: [{ client: clients.anna, clock: 8, length: 3 }] });
    expect(third.view.text).toBe('Meet at  old well');
    const fourth = await room.edit('chen', { inserts: [{ after: { client: clients.anna, clock: 9 }, text: 'an' }] });
    expect(fourth.view.text).toBe('Meet at an old well');
    expect(fourth.view.reasons).toEqual([]);
  });

  test('the words of others stay where one may not delete, and go where one may', async () => {
    const room = await openRoom([]);
    await room.edit('anna', { inserts: [{ after: null, text: 'one two' }] });
    const removes = [{ client: clients.anna, clock: 0, length: 4 }];
    expect((await room.edit('bora', { removes })).view.text).toBe('one two');
    expect((await room.edit('bora', { removes }, true)).view.text).toBe('two');
  });

  test('a long text becomes several events, each small enough, and no emoji is torn', async () => {
    const room = await openRoom([]);
    const text = '😀'.repeat(4_500);
    const { view, updates } = await room.edit('anna', { inserts: [{ after: null, text: `x${text}` }] });
    expect(view.text).toBe(`x${text}`);
    expect(updates.length).toBeGreaterThan(1);
    expect(Math.max(...updates.map(({ length }) => length))).toBeLessThanOrEqual(limits.documentUpdateBytesMax);
  });

  test('what a page says again because it was closed before it heard the answer is not said twice', async () => {
    const room = await openRoom([]);
    await room.edit('anna', { inserts: [{ after: null, text: 'Water' }] });
    const again = await room.edit('anna', { inserts: [{ after: null, text: 'Water' }], isRepeated: true });
    expect(again.view.text).toBe('Water');
    expect(again.placed).toEqual([null]);
    expect(again.updates).toEqual([]);
  });

  test('a room that was started anew says so, and is given everything again', async () => {
    const room = createDocumentRoom();
    expect(await room.fold('plan', 3, [])).toEqual({ ok: false, error: 'unknown' });
    expect(await room.edit('plan', { client: 1, mayDelete: true }, nothing)).toEqual({ ok: false, error: 'unknown' });
  });
});
