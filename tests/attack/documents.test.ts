import * as encoding from 'lib0/encoding';
import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { DocumentUpdate } from '../../src/lib/kernel/ports/documents.ts';
import { createPlanDocument } from '../../src/lib/replica/documents/plan-document.ts';
import { parsePlanUpdate } from '../../src/lib/replica/documents/plan-update.ts';
import { annasPlan, clients, createDesk, make, reasonOf, said } from '../unit/documents-fixture.ts';

/** Bytes as a hand writes them: a client's structs, then a delete set. */
const byHand = (write: (encoder: encoding.Encoder) => void): Uint8Array => {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
};

const ends = (encoder: encoding.Encoder): void => encoding.writeVarUint(encoder, 0);

/** Mallory's update after Anna's words: the words stand, and the update has no effect for this reason. */
const expectVoid = (bytes: Uint8Array, reason: string, standing: Partial<DocumentUpdate> = {}): void => {
  const { entry, words } = annasPlan();
  const attack = said('mallory', bytes, standing);
  const view = make([entry, attack]);
  expect(view.text).toBe(words);
  expect(reasonOf(view, attack)).toBe(reason);
};

/** Whatever Mallory does with Yjs itself after she has heard Anna's plan. */
const expectActVoid = (act: (doc: Y.Doc) => void, reason: string): void => {
  const { update } = annasPlan();
  const desk = createDesk('mallory');
  desk.hear(update);
  expectVoid(
    desk.write(() => act(desk.doc)),
    reason,
  );
};

describe('the attacks on a document, each by name', () => {
  test('seven bytes that delete a text of 6,000 characters have no effect', () => {
    const { entry, words } = annasPlan('x'.repeat(6_000));
    const bytes = byHand((encoder) => {
      for (const value of [0, 1, clients.anna, 1, 0, 6_000]) encoding.writeVarUint(encoder, value);
    });
    expect(bytes.length).toBeLessThanOrEqual(8);
    const attack = said('mallory', bytes);
    const view = make([entry, attack]);
    expect(view.text).toBe(words);
    expect(reasonOf(view, attack)).toBe('document-foreign-delete');
    expect(make([entry, { ...attack, mayDelete: true }]).text).toBe('');
  });

  test('a clock of 2^40 waits for ever, alone, and nothing is kept for it in Yjs', () => {
    const bytes = byHand((encoder) => {
      for (const value of [1, 1, clients.mallory, 2 ** 40]) encoding.writeVarUint(encoder, value);
      encoding.writeUint8(encoder, 0x84);
      encoding.writeVarUint(encoder, clients.mallory);
      encoding.writeVarUint(encoder, 2 ** 40 - 1);
      encoding.writeVarString(encoder, 'boo');
      ends(encoder);
    });
    expectVoid(bytes, 'document-past');
    const document = createPlanDocument();
    document.add([annasPlan().entry, said('mallory', bytes)]);
    expect(document.doc.store.pendingStructs).toBeNull();
    expect(document.doc.store.pendingDs).toBeNull();
  });

  test('200,000 client ids are refused at the second one, and the state vector stays as large as the street', () => {
    const huge = byHand((encoder) => {
      encoding.writeVarUint(encoder, 200_000);
      for (let client = 1; client <= 200_000; client++) {
        for (const value of [1, client, 0]) encoding.writeVarUint(encoder, value);
        encoding.writeUint8(encoder, 0x04);
        encoding.writeVarUint(encoder, 1);
        encoding.writeVarString(encoder, 'text');
        encoding.writeVarString(encoder, 'x');
      }
      ends(encoder);
    });
    expectVoid(huge, 'document-too-large');
    expectVoid(huge.slice(0, 16_000), 'document-client');
    const document = createPlanDocument();
    document.add([annasPlan().entry, said('mallory', huge.slice(0, 16_000))]);
    expect(Y.decodeStateVector(Y.encodeStateVector(document.doc)).size).toBe(1);
  });

  test('a flood of 2,000 updates with a missing past holds up its author and nobody else', () => {
    const { entry, words, desk } = annasPlan();
    const flood = Array.from({ length: 2_000 }, (_, index) =>
      said(
        'mallory',
        byHand((encoder) => {
          for (const value of [1, 1, clients.mallory, 10 + 2 * index]) encoding.writeVarUint(encoder, value);
          encoding.writeUint8(encoder, 0x04);
          encoding.writeVarUint(encoder, 1);
          encoding.writeVarString(encoder, 'text');
          encoding.writeVarString(encoder, 'x');
          ends(encoder);
        }),
      ),
    );
    const more = said(
      'anna',
      desk.write(() => desk.text.insert(words.length, ' Still here.')),
    );
    const document = createPlanDocument();
    document.add([entry, ...flood, more]);
    expect(document.view().text).toBe(`${words} Still here.`);
    expect(document.view().reasons.every(({ reason }) => reason === 'document-past')).toBe(true);
    expect(document.doc.store.pendingStructs).toBeNull();
  });

  test("words under Anna's client id, or under any other but one's own, are refused", () => {
    const { update } = annasPlan();
    const desk = createDesk('anna');
    desk.hear(update);
    expectVoid(
      desk.write(() => desk.text.insert(0, 'Anna says: ')),
      'document-client',
    );
    const stranger = createDesk('chen');
    expectVoid(
      stranger.write(() => stranger.text.insert(0, 'x')),
      'document-client',
    );
  });

  test('two updates at one clock: the first counts', () => {
    const [one, two] = [createDesk('mallory'), createDesk('mallory')];
    const first = said(
      'mallory',
      one.write(() => one.text.insert(0, 'first')),
    );
    const second = said(
      'mallory',
      two.write(() => two.text.insert(0, 'other')),
    );
    const view = make([first, second]);
    expect(view.text).toBe('first');
    expect(reasonOf(view, second)).toBe('document-clock');
  });

  test('bytes of the V2 format, whatever they claim, are no update', () => {
    const desk = createDesk('mallory');
    desk.write(() => desk.text.insert(0, 'hello'));
    for (const bytes of [
      Y.encodeStateAsUpdateV2(desk.doc),
      Uint8Array.from([0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ])
      expect(parsePlanUpdate(bytes).ok).toBe(false);
  });

  test('keys named __proto__, or any other key, have no place: neither as a root nor in a map', () => {
    expectActVoid((doc) => doc.getMap('__proto__').set('x', 1), 'document-map-key');
    expectActVoid((doc) => doc.getMap('ticks').set('__proto__', { polluted: true }), 'document-map-key');
    expectActVoid((doc) => doc.getText('__proto__').insert(0, 'x'), 'document-parent');
    expectActVoid((doc) => doc.getArray('constructor').push(['1:1+']), 'document-parent');
    expectActVoid(
      (doc) => doc.getArray('ticks').push([JSON.parse('{"__proto__": {"polluted": true}}')]),
      'document-content',
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('types inside types, of one level or of a thousand, are refused', () => {
    expectActVoid((doc) => doc.getArray('ticks').push([new Y.Array()]), 'document-content');
    expectActVoid((doc) => doc.getText('text').insertEmbed(0, new Y.Map()), 'document-content');
    const desk = createDesk('mallory');
    const deep = desk.write(() => {
      let inner = new Y.Array<unknown>();
      desk.ticks.push([inner]);
      for (let depth = 0; depth < 400; depth++) {
        const next = new Y.Array<unknown>();
        inner.push([next]);
        inner = next;
      }
    });
    expectVoid(deep, 'document-content');
    const inside = byHand((encoder) => {
      for (const value of [1, 1, clients.mallory, 0]) encoding.writeVarUint(encoder, value);
      encoding.writeUint8(encoder, 0x04);
      for (const value of [0, clients.anna, 0]) encoding.writeVarUint(encoder, value);
      encoding.writeVarString(encoder, 'inside a word');
      ends(encoder);
    });
    expectVoid(inside, 'document-parent');
  });

  test('subdocuments, embeds, formats, binary and foreign values are refused', () => {
    expectActVoid((doc) => doc.getArray('ticks').push([new Y.Doc()]), 'document-content');
    expectActVoid((doc) => doc.getText('text').insertEmbed(0, { image: 'https://example.org/x' }), 'document-content');
    expectActVoid((doc) => doc.getText('text').format(0, 4, { bold: true }), 'document-content');
    expectActVoid((doc) => doc.getArray('ticks').push([new Uint8Array(8)]), 'document-content');
    for (const value of [true, 7, null, 'not a tick', '1:2', '99999999999999999:1+'])
      expectActVoid((doc) => doc.getArray('ticks').push([value]), 'document-content');
    expectActVoid((doc) => doc.getArray('text').push(['1001:0+']), 'document-content');
  });

  test('structs of the kinds GC and Skip are refused', () => {
    for (const kind of [0, 10])
      expectVoid(
        byHand((encoder) => {
          for (const value of [1, 1, clients.mallory, 0, kind, 5]) encoding.writeVarUint(encoder, value);
          ends(encoder);
        }),
        'document-struct',
      );
  });

  test('an update above 16 KiB, or of more than 2,000 structs or deletions, is refused before it is read', () => {
    const desk = createDesk('mallory');
    expectVoid(
      desk.write(() => desk.text.insert(0, 'x'.repeat(limits.documentUpdateBytesMax))),
      'document-too-large',
    );
    const many = byHand((encoder) => {
      for (const value of [1, limits.documentUpdateStructsMax + 1, clients.mallory, 0])
        encoding.writeVarUint(encoder, value);
    });
    expectVoid(many, 'document-too-many');
    const deletions = byHand((encoder) => {
      for (const value of [0, 1, clients.mallory, limits.documentUpdateStructsMax + 1])
        encoding.writeVarUint(encoder, value);
    });
    expectVoid(deletions, 'document-too-many');
    const claimed = byHand((encoder) => {
      for (const value of [1, 1, clients.mallory, 0]) encoding.writeVarUint(encoder, value);
      encoding.writeUint8(encoder, 0x01);
      encoding.writeVarUint(encoder, 1);
      encoding.writeVarString(encoder, 'text');
      encoding.writeVarUint(encoder, 2 ** 45);
      ends(encoder);
    });
    expectVoid(claimed, 'document-malformed');
  });

  test('a text that claims more bytes than there are, bytes after the end, and long spellings of a number are refused', () => {
    const { update } = annasPlan();
    const lied = Uint8Array.from(update);
    lied[lied.indexOf('Meet'.charCodeAt(0)) - 1] = 0x7f;
    expect(parsePlanUpdate(lied)).toEqual({ ok: false, error: 'document-malformed' });
    expect(parsePlanUpdate(Uint8Array.from([...update, 0]))).toEqual({ ok: false, error: 'document-malformed' });
    expect(parsePlanUpdate(Uint8Array.from([0x81, 0, ...update.subarray(1)]))).toEqual({
      ok: false,
      error: 'document-not-canonical',
    });
    expect(parsePlanUpdate(Uint8Array.from([0, 0]))).toEqual({ ok: false, error: 'document-empty' });
  });

  test('a struct between a word and a tick, or one that builds on itself, is refused', () => {
    const { desk, entry } = annasPlan();
    const tick = said(
      'anna',
      desk.write(() => desk.ticks.push([`${clients.anna}:0+`])),
    );
    const across = (origin: readonly number[], right: readonly number[]): Uint8Array =>
      byHand((encoder) => {
        for (const value of [1, 1, clients.mallory, 0]) encoding.writeVarUint(encoder, value);
        encoding.writeUint8(encoder, 0xc4);
        for (const value of [...origin, ...right]) encoding.writeVarUint(encoder, value);
        encoding.writeVarString(encoder, 'across');
        ends(encoder);
      });
    const length = desk.text.length;
    const attacks = [
      { bytes: across([clients.anna, 0], [clients.anna, length]), reason: 'document-parent' },
      { bytes: across([clients.anna, length], [clients.anna, length]), reason: 'document-content' },
      { bytes: across([clients.mallory, 0], [clients.anna, 0]), reason: 'document-origin' },
      { bytes: across([clients.anna, 0], [clients.mallory, 5]), reason: 'document-origin' },
      { bytes: across([clients.chen, 0], [clients.anna, 0]), reason: 'document-past' },
    ];
    for (const { bytes, reason } of attacks) {
      const attack = said('mallory', bytes);
      const view = make([entry, tick, attack]);
      expect(reasonOf(view, attack)).toBe(reason);
      expect(view.ticks).toHaveLength(1);
    }
  });
});
