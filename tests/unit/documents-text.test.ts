import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DocumentEdit, DocumentUpdate, DocumentView } from '../../src/lib/kernel/ports/documents.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { createPlanText, difference, type PlanText } from '../../src/lib/state/plan-text.ts';
import { lineDifference, mergeSteps } from '../../src/routes/plan/line-difference.ts';
import { clients, said, type Writer } from './documents-fixture.ts';

/** A plan in one room, and windows of several people onto it: what a screen types goes the whole way and back. */
const openStreetPlan = () => {
  const room = createDocumentRoom();
  const list: DocumentUpdate[] = [];
  let view: DocumentView = { text: '', ranges: [], ticks: [], changes: [], reasons: [] };
  const say = async (who: Writer, words: Pick<DocumentEdit, 'inserts' | 'removes'>, isRepeated = false) => {
    if (list.length === 0) unwrap(await room.fold('plan', 0, []));
    const author = { client: clients[who], mayDelete: who === 'anna' };
    const edited = unwrap(await room.edit('plan', author, { ...words, ticks: [], isRepeated }));
    const more = edited.updates.map((bytes) => said(who, bytes, { mayDelete: who === 'anna' }));
    view = unwrap(await room.fold('plan', list.length, more));
    list.push(...more);
    return edited.placed;
  };
  const window = (who: Writer) => {
    const text = createPlanText({
      mayDelete: () => who === 'anna',
      isOwn: (client) => client === clients[who],
      charsMax: 1_000,
    });
    return {
      text,
      type: (next: string, caret = next.length) => text.type(next, caret),
      send: async (): Promise<void> => {
        const words = text.take();
        if (words) text.placed(await say(who, words));
        text.show(view);
      },
      look: () => text.show(view),
    };
  };
  return { say, window, view: () => view };
};

const insertAt = (text: PlanText, at: number, words: string): void =>
  void text.type(text.value.slice(0, at) + words + text.value.slice(at), at + words.length);

describe('the text of a plan in a window', () => {
  test('what is typed while a neighbour writes stays where it was meant, and so does the caret', async () => {
    const street = openStreetPlan();
    const [anna, bora] = [street.window('anna'), street.window('bora')];
    anna.type('Water: Chen\nKeys: Dora\n');
    await anna.send();
    bora.look();
    insertAt(bora.text, 11, ', Edda');
    insertAt(anna.text, 0, '# Plan\n');
    await anna.send();
    const move = bora.look();
    expect(bora.text.value).toBe('# Plan\nWater: Chen, Edda\nKeys: Dora\n');
    expect(move(17)).toBe(24);
    await bora.send();
    anna.look();
    expect(anna.text.value).toBe(bora.text.value);
    expect(street.view().text).toBe(anna.text.value);
  });

  test('what is typed and taken back while it is on its way is gone everywhere', async () => {
    const street = openStreetPlan();
    const anna = street.window('anna');
    anna.type('mistake');
    const words = anna.text.take();
    anna.type('');
    if (!words) throw new Error('nothing to say');
    anna.text.placed(await street.say('anna', words));
    anna.look();
    expect(anna.text.value).toBe('');
    expect(anna.text.isUnsaid).toBe(true);
    await anna.send();
    expect(street.view().text).toBe('');
  });

  test('the words of others are refused to whoever may not delete, own words and additions are not', async () => {
    const street = openStreetPlan();
    const [anna, bora] = [street.window('anna'), street.window('bora')];
    anna.type('Meet at the well');
    await anna.send();
    bora.look();
    expect(bora.type('Meet at the')).toBe('foreign');
    expect(bora.type('Meet at the old well', 16)).toBeNull();
    await bora.send();
    expect(bora.type('Meet at the well', 12)).toBeNull();
    expect(bora.text.value).toBe('Meet at the well');
    anna.look();
    expect(anna.type('Meet')).toBeNull();
    expect(bora.type('x'.repeat(1_001))).toBe('foreign');
    expect(bora.type(`Meet at the well${'x'.repeat(1_000)}`)).toBe('too-long');
  });

  test('undo takes back own acts only, one after the other, also after neighbours wrote, and redo does them again', async () => {
    const street = openStreetPlan();
    const [anna, bora] = [street.window('anna'), street.window('bora')];
    anna.type('one two');
    await anna.send();
    anna.type('one tw', 6);
    anna.type('one t', 5);
    await anna.send();
    bora.look();
    insertAt(bora.text, 0, 'Bora: ');
    await bora.send();
    anna.look();
    anna.text.undo();
    anna.text.undo();
    expect(anna.text.value).toBe('Bora: one two');
    await anna.send();
    expect(street.view().text).toBe('Bora: one two');
    anna.text.redo();
    expect(anna.text.value).toBe('Bora: one tw');
    anna.text.redo();
    expect(anna.text.value).toBe('Bora: one t');
    for (let steps = 0; steps < 3; steps++) anna.text.undo();
    expect(anna.text.value).toBe('Bora: ');
    expect(anna.text.canUndo).toBe(false);
    await anna.send();
    expect(street.view().text).toBe('Bora: ');
  });

  test('what a closed page had not said yet is said by the next one, once', async () => {
    const street = openStreetPlan();
    const anna = street.window('anna');
    anna.type('Water');
    await anna.send();
    insertAt(anna.text, 5, ' from the well');
    const kept = anna.text.unsaid();
    await street.say('anna', kept, true);
    await street.say('anna', kept, true);
    expect(street.view().text).toBe('Water from the well');
  });

  test('several windows, whatever they type and whenever they look, end with the same text', async () => {
    const move = fc.record({
      who: fc.constantFrom('anna' as const, 'bora' as const, 'chen' as const),
      at: fc.nat(200),
      act: fc.constantFrom('write' as const, 'strike' as const, 'send' as const, 'look' as const, 'undo' as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 40 }), async (moves) => {
        const street = openStreetPlan();
        const windows = { anna: street.window('anna'), bora: street.window('bora'), chen: street.window('chen') };
        for (const { who, at, act } of moves) {
          const { text, send, look } = windows[who];
          const place = text.value === '' ? 0 : at % (text.value.length + 1);
          if (act === 'write') insertAt(text, place, `${who[0]}${at} `);
          else if (act === 'strike') text.type(text.value.slice(0, place) + text.value.slice(place + 2), place);
          else if (act === 'undo') text.undo();
          else if (act === 'send') await send();
          else look();
        }
        for (const { send } of Object.values(windows)) await send();
        for (const { text, send, look } of Object.values(windows)) {
          for (let tries = 0; text.isUnsaid && tries < 5; tries++) await send();
          look();
        }
        for (const { text, look } of Object.values(windows)) {
          look();
          expect(text.isUnsaid).toBe(false);
          expect(text.value).toBe(street.view().text);
        }
        expect(street.view().reasons).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('differences', () => {
  test('of repeated letters the one at the caret is meant', () => {
    expect(difference('aaaa', 'aaaaa', 2)).toEqual({ at: 1, length: 0, words: 'a' });
    expect(difference('one two', 'one x two', 5)).toEqual({ at: 3, length: 0, words: ' x' });
    expect(difference('abc', 'abc', 1)).toEqual({ at: 1, length: 0, words: '' });
  });

  test('an emoji that becomes another of the same half is replaced whole', () => {
    const { at, length, words } = difference('a😀b', 'a😁b', 3);
    expect({ at, length, words }).toEqual({ at: 1, length: 2, words: '😁' });
  });

  test('whatever two texts, the difference makes the one of the other', () => {
    const unit = fc.constantFrom('a', 'b', '\n', '😀', '😁');
    const text = fc.array(unit, { maxLength: 12 }).map((units) => units.join(''));
    fc.assert(
      fc.property(text, text, fc.nat(24), (before, next, caret) => {
        const { at, length, words } = difference(before, next, Math.min(caret, next.length));
        expect(before.slice(0, at) + words + before.slice(at + length)).toBe(next);
      }),
      { numRuns: 2_000 },
    );
  });

  test('what people outside suggest is shown by lines and goes into a plan that has gone on meanwhile', () => {
    const base = '# Water\nChen\n# Keys\nDora\n';
    const theirs = '# Water\nChen, with a well\n# Keys\nDora\nEdda\n';
    expect(lineDifference(base, theirs)).toEqual([
      { from: 1, removed: ['Chen'], added: ['Chen, with a well'] },
      { from: 4, removed: [], added: ['Edda'] },
    ]);
    const ours = '# Plan\n# Water\nChen\n# Keys\nDora from number 7\n';
    const steps = mergeSteps(base, theirs, ours);
    expect(steps?.at(-1)?.text).toBe('# Plan\n# Water\nChen, with a well\n# Keys\nDora from number 7\nEdda\n');
    expect(mergeSteps(base, theirs, base)?.at(-1)?.text).toBe(theirs);
    expect(lineDifference('x\n'.repeat(4_000), 'y\n'.repeat(4_000))).toBeNull();
  });

  test('whatever a suggestion is, taken into the plan it was made for it gives just that', () => {
    const line = fc.constantFrom('a', 'b', 'c', '');
    const lines = fc.array(line, { maxLength: 8 }).map((all) => all.join('\n'));
    fc.assert(
      fc.property(lines, lines, (base, theirs) => {
        expect(mergeSteps(base, theirs, base)?.at(-1)?.text ?? base).toBe(theirs);
      }),
      { numRuns: 1_000 },
    );
  });
});
