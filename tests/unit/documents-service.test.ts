import { describe, expect, test } from 'vitest';
import { documentsCreate, documentsEdit, documentsList, documentsOpen } from '../../src/lib/contracts/documents.ts';
import { textToBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { DocumentRoomPort } from '../../src/lib/kernel/ports/documents.ts';
import { err, unwrap } from '../../src/lib/kernel/result.ts';
import { createDocumentFold, documentClient, documentIdOf } from '../../src/lib/log/documents.ts';
import { kinds } from '../../src/lib/log/kinds.ts';
import { createDocumentPort } from '../../src/lib/node/document-port.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { createDocuments } from '../../src/lib/services/documents/documents.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { createTestBus } from './bus-fixture.ts';
import { createDesk } from './documents-fixture.ts';
import {
  everythingOf,
  forgeEvent,
  makePerson,
  makeStreet,
  payloadOf,
  todayLane,
  todayMs,
  type LogPlace,
  type Person,
} from './street-fixture.ts';

const edit = { inserts: [], removes: [], ticks: [], isRepeated: false };

const openStreetPlan = async (place: LogPlace = {}) => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const house = async (owner: Person, room: DocumentRoomPort = createDocumentRoom(), own: LogPlace = place) => {
    const at = await street.move(owner, own);
    const { bus } = createTestBus({ [owner.device]: 'member' });
    const documents = createDocuments({
      bus,
      clock: at.clock,
      current: () => at.here,
      onChange: at.here.onChange,
      selfDevice: () => owner.device,
      room,
      createFold: createDocumentFold,
      clientOf: documentClient,
      documentIdOf,
    });
    await documents.start();
    const first = async <T>(items: AsyncGenerator<T, unknown>): Promise<T | null> => {
      const { value, done } = await items.next();
      return done ? null : (value as T);
    };
    return {
      ...at,
      owner,
      documents,
      create: (title: string, text = '') => bus.call(documentsCreate, { title, text }),
      edit: (doc: string, wish: Partial<typeof edit> | object) => bus.call(documentsEdit, { doc, ...edit, ...wish }),
      list: async () => (await first(bus.stream(documentsList, {})))?.documents ?? [],
      open: async (doc: string) => first(bus.stream(documentsOpen, { doc })),
      hear: async (log: typeof at.log) => unwrap(await at.log.receive(everythingOf(log), 'neighbour')),
    };
  };
  const [anna, bora, chen] = street.people;
  if (!anna || !bora || !chen) throw new Error('nobody lives here');
  return { street, house, anna, bora, chen };
};

describe('the documents service', () => {
  test('Anna makes a plan, Bora reads who wrote what, writes into it and ticks a line', async () => {
    const { house, anna, bora } = await openStreetPlan();
    const [annas, boras] = [await house(anna), await house(bora)];
    const { doc } = unwrap(await annas.create('Our plan', '- Fill the tubs\n')).output;
    await boras.hear(annas.log);
    expect(await boras.list()).toMatchObject([{ doc, title: 'Our plan', by: 'anna', changedBy: 'anna' }]);
    const seen = await boras.open(doc);
    expect(seen).toMatchObject({ text: '- Fill the tubs\n', mayWrite: true, mayDelete: false, state: 'ready' });
    const client = documentClient(anna.device, doc);
    expect(seen?.ranges).toEqual([{ client, clock: 0, length: 16 }]);
    expect(seen?.writers).toMatchObject([{ client, name: 'anna', isOwn: false }]);

    unwrap(await boras.edit(doc, { inserts: [{ after: { client, clock: 14 }, text: ' and canisters' }] }));
    unwrap(await boras.edit(doc, { ticks: [{ line: { client, clock: 0 }, isDone: true }] }));
    await annas.hear(boras.log);
    const back = await annas.open(doc);
    expect(back).toMatchObject({
      text: '- Fill the tubs and canisters\n',
      mayDelete: true,
      ticks: [{ line: { client, clock: 0 }, by: 'bora', isDone: true }],
    });
    expect(back?.changes.map(({ name, inserted }) => `${name}: ${inserted}`)).toEqual([
      'anna: - Fill the tubs\n',
      'bora:  and canisters',
      'bora: ',
    ]);
  });

  test('both write apart; whoever hears whom first, all three end with one text, and it can be made from the log alone', async () => {
    const { house, anna, bora, chen } = await openStreetPlan();
    const [annas, boras, chens] = [await house(anna), await house(bora), await house(chen)];
    const { doc } = unwrap(await annas.create('Our plan', 'Water:\nKeys:\n')).output;
    await boras.hear(annas.log);
    const client = documentClient(anna.device, doc);
    unwrap(await annas.edit(doc, { inserts: [{ after: { client, clock: 5 }, text: ' Anna' }] }));
    unwrap(await boras.edit(doc, { inserts: [{ after: { client, clock: 11 }, text: ' Bora' }] }));
    unwrap(await boras.edit(doc, { inserts: [{ after: { client, clock: 5 }, text: ' Bora' }] }));
    await annas.hear(boras.log);
    await chens.hear(boras.log);
    await chens.hear(annas.log);
    await boras.hear(annas.log);
    const texts = await Promise.all([annas, boras, chens].map(async ({ open }) => (await open(doc))?.text));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain('Keys: Bora');
    const again = await house(chen, createDocumentRoom(), { disk: chens.disk });
    await again.log.load();
    expect((await again.open(doc))?.text).toBe(texts[0]);
  });

  test("a member who would take away Anna's words is refused before anything is written; an anchor is not", async () => {
    const { house, anna, bora } = await openStreetPlan();
    const [annas, boras] = [await house(anna), await house(bora)];
    const { doc } = unwrap(await annas.create('Our plan', 'Meet at the well')).output;
    await boras.hear(annas.log);
    const removes = [{ client: documentClient(anna.device, doc), clock: 0, length: 4 }];
    const before = boras.log.size;
    expect(await boras.edit(doc, { removes })).toMatchObject({ error: { reason: 'document-foreign-delete' } });
    expect(boras.log.size).toBe(before);
    const { revision } = unwrap(
      await boras.edit(doc, { inserts: [{ after: { ...removes[0], length: undefined }, text: 'x' }] }),
    ).output;
    expect((await boras.open(doc))?.revision).toBe(revision);
    await annas.hear(boras.log);
    const own = [{ client: documentClient(bora.device, doc), clock: 0, length: 1 }];
    unwrap(await annas.edit(doc, { removes: own }));
    expect((await annas.open(doc))?.text).toBe('Meet at the well');
  });

  test('who is no member, a document nobody knows, and a plan that is full are refused with their reasons', async () => {
    const { house, anna } = await openStreetPlan();
    const annas = await house(anna);
    const stranger = await house(await makePerson('mallory'));
    expect(await stranger.create('Mine')).toMatchObject({ error: { code: 'forbidden', reason: 'not-a-member' } });
    const unknown = documentIdOf(anna.device);
    expect(await annas.edit(unknown, { ticks: [] })).toMatchObject({ error: { reason: 'document-unknown' } });
    expect(await annas.open(unknown)).toBeNull();
    const { doc } = unwrap(await annas.create('Full', 'x'.repeat(limits.documentCharsMax))).output;
    expect(await annas.edit(doc, { inserts: [{ after: null, text: 'y' }] })).toMatchObject({
      error: { code: 'too_large', reason: 'document-full' },
    });
    expect((await annas.open(doc))?.text).toHaveLength(limits.documentCharsMax);
  });

  test('what does not fit on the disk is not shown as written', async () => {
    let isFull = false;
    const { house, anna } = await openStreetPlan({ beforeCommit: () => (isFull ? 'quota-full' : null) });
    const annas = await house(anna);
    const { doc } = unwrap(await annas.create('Our plan', 'Water')).output;
    isFull = true;
    expect(await annas.edit(doc, { inserts: [{ after: null, text: 'x' }] })).toMatchObject({
      error: { code: 'quota_full' },
    });
    isFull = false;
    unwrap(await annas.edit(doc, { inserts: [{ after: null, text: 'y' }] }));
    expect((await annas.open(doc))?.text).toBe('yWater');
  });

  test('hostile updates of a member stay in the log without effect, each with its reason for the inspector', async () => {
    const { house, anna, bora } = await openStreetPlan();
    const [annas, boras] = [await house(anna), await house(bora)];
    const { doc } = unwrap(await annas.create('Our plan', 'Meet at the well')).output;
    await boras.hear(annas.log);
    const foreign = createDesk('mallory');
    const say = async (update: Uint8Array<ArrayBuffer>, into = doc) =>
      unwrap(
        await boras.log.append('doc.update', {
          doc: textToBytes(into) ?? new Uint8Array(16),
          update,
        }),
      ).event.id;
    const wrong = {
      'document-client': await say(foreign.write(() => foreign.text.insert(0, 'x'))),
      'document-empty': await say(Uint8Array.from([0, 0])),
      'document-malformed': await say(Uint8Array.from([1, 2, 3])),
      'document-unknown': await say(Uint8Array.from([0, 0]), documentIdOf(bora.device)),
    };
    expect((await boras.open(doc))?.text).toBe('Meet at the well');
    expect(await boras.open(doc)).toMatchObject({ refused: 3, waiting: 0 });
    const voids = boras.documents.voidById();
    for (const [reason, eventId] of Object.entries(wrong)) expect({ reason: voids.get(eventId) }).toEqual({ reason });
  });

  test('a room that was ended and started anew is given the whole document again', async () => {
    const { house, anna } = await openStreetPlan();
    let room = createDocumentRoom();
    const annas = await house(anna, {
      fold: (...wish) => room.fold(...wish),
      edit: (...wish) => room.edit(...wish),
    });
    const { doc } = unwrap(await annas.create('Our plan', 'Water')).output;
    room = createDocumentRoom();
    unwrap(await annas.edit(doc, { inserts: [{ after: null, text: 'The ' }] }));
    expect((await annas.open(doc))?.text).toBe('The Water');
  });

  test('an update this device cannot make in time is left out here, the plan before it stays, and the screen can say so', async () => {
    const { house, anna, bora } = await openStreetPlan();
    const room = createDocumentRoom();
    let isSlow = false;
    const annas = await house(anna);
    const boras = await house(bora, {
      fold: (doc, keep, updates) =>
        isSlow && updates.length > 0
          ? Promise.resolve(err('document-too-slow' as const))
          : room.fold(doc, keep, updates),
      edit: room.edit,
    });
    const { doc } = unwrap(await annas.create('Our plan', 'Water')).output;
    await boras.hear(annas.log);
    expect((await boras.open(doc))?.text).toBe('Water');
    unwrap(await annas.edit(doc, { inserts: [{ after: null, text: 'x' }] }));
    isSlow = true;
    await boras.hear(annas.log);
    expect(await boras.open(doc)).toMatchObject({ text: 'Water', state: 'slow', mayWrite: false });
    expect(await boras.edit(doc, { ticks: [] })).toMatchObject({ error: { reason: 'document-too-slow' } });
    expect([...boras.documents.voidById().values()]).toContain('document-too-slow');
  });
});

describe('the documents of a log', () => {
  test('the Yjs client of a device in a document never changes', () => {
    const device = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';
    const doc = 'AAECAwQFBgcICQoLDA0ODw';
    expect(documentClient(device, doc)).toBe(7_709_629_078_743_971);
    expect(documentClient(device, 'AQECAwQFBgcICQoLDA0ODw')).not.toBe(documentClient(device, doc));
  });

  test('one person can make so many documents and no more, whatever devices they make them with', async () => {
    const { house, anna } = await openStreetPlan();
    const annas = await house(anna);
    for (let count = 0; count < limits.documentsPerPersonMax; count++) unwrap(await annas.create(`Plan ${count}`));
    expect(await annas.create('One more')).toMatchObject({ error: { reason: 'document-too-many' } });
    const forced = unwrap(await annas.log.append('doc.create', { title: 'One more', kind: 'plan' }));
    expect(await annas.list()).toHaveLength(limits.documentsPerPersonMax);
    expect(annas.documents.voidById().get(forced.event.id)).toBe('document-too-many');
    const tablet = await makePerson('anna tablet');
    const { membership } = annas.here;
    const ofAnna = { ...membership(), personOf: () => anna.person };
    const more = await forgeEvent(
      tablet.keys.signing,
      { community: annas.log.community, kind: kinds['doc.create'].number, hlc: forced.event.header.hlc + 1 },
      payloadOf('doc.create', { title: 'From the tablet', kind: 'plan' }),
    );
    const entries = [...annas.log.slice(anna.device, todayLane, 0, 99), { event: more, payload: more.payload }];
    const fold = createDocumentFold({
      heads: () =>
        [anna.device, tablet.device].map((author) => ({ author, lane: todayLane, next: 99, digest: more.payload })),
      slice: (author, _lane, from) => (from < 0 ? [] : entries.filter(({ event }) => event.author === author)),
      frozenSince: () => null,
      isBelowPin: () => false,
      isCollided: () => false,
    });
    const { documents, voidById } = fold.fold({ ...ofAnna, roleOf: () => 'member', cutOf: () => null });
    expect([documents.size, voidById.get(more.id)]).toEqual([limits.documentsPerPersonMax, 'document-too-many']);
  });
});

describe('the line to the document worker', () => {
  test('a worker that does not answer is given up, and the next call asks a fresh one', async () => {
    const clock = createVirtualClock(todayMs);
    let opened = 0;
    const port = createDocumentPort({
      clock,
      open: () => {
        opened += 1;
        return new MessageChannel().port1;
      },
      connect: () =>
        opened === 1 ? { fold: () => new Promise(() => {}), edit: () => new Promise(() => {}) } : createDocumentRoom(),
    });
    const asked = port.fold('plan', 0, []);
    clock.advance(limits.documentAnswerMs + limits.documentApplyMs);
    expect(await asked).toEqual({ ok: false, error: 'document-too-slow' });
    expect(opened).toBe(1);
    expect((await port.fold('plan', 0, [])).ok).toBe(true);
    expect(opened).toBe(2);
  });
});
