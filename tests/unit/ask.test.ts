import { describe, expect, it } from 'vitest';
import { askAnswer } from '../../src/lib/contracts/ask.ts';
import { librarySearch, type Passage } from '../../src/lib/contracts/library.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createAsk } from '../../src/lib/services/ask.ts';
import { asAny, createTestBus, offerOf } from './bus-fixture.ts';

const id = (name: string): string => name.padEnd(43, '0');
const passage = (text: string, over: Partial<Passage> = {}): Passage => ({
  id: 'p1',
  text,
  score: 500,
  title: 'Well',
  headingPath: '',
  page: 0,
  start: 0,
  end: text.length,
  source: 'notes',
  date: '',
  licence: '',
  lang: 'en',
  cid: id('cid'),
  corpus: 'notes',
  ...over,
});
const found = (text: string, evidence: number, quote = text) => ({
  passages: [passage(text)],
  evidence,
  quotes: [{ passageId: 'p1', quote, start: 0, end: quote.length }],
});
const nothing = { passages: [], evidence: 0, quotes: [] };

const house = async (here: unknown, neighbours: Record<string, unknown> = {}, known = 0) => {
  const world = createTestBus({ [id('bora')]: 'member' });
  const self = id('self');
  const { bus, clock } = world;
  // The fixture calls this device "self"; here it needs an id that fits the contract.
  bus.registry.addLocal('unused.name', () => offerOf(librarySearch as never, { name: 'unused.name' }));
  for (const [name, reply] of Object.entries({ self: here, ...neighbours }))
    world.neighbour(id(name), librarySearch as never, async () =>
      reply === 'offline' ? err(failure('peer_offline', 'not-sent')) : ok(reply),
    );
  const ask = createAsk({
    bus,
    clock,
    selfDevice: () => self,
    librarians: () => Object.keys(neighbours).map(id),
    knownNeighbours: () => known,
  });
  await ask.start();
  const question = (text: string) =>
    bus.call(askAnswer, { messages: [{ role: 'person' as const, text }], mode: 'quotes' as const });
  return { ...world, question };
};
const answerOf = async (asked: ReturnType<Awaited<ReturnType<typeof house>>['question']>) => {
  const reply = await asked;
  if (!reply.ok) throw new Error(`${reply.error.code} ${reply.error.reason}`);
  return reply.value.output;
};

describe('an answer', () => {
  it('comes from this device when the evidence here is strong, and nobody else is asked', async () => {
    const { question, asked } = await house(found('Boil the water.', 700), { bora: found('Filter it.', 1000) });
    expect(await answerOf(question('water?'))).toMatchObject({
      outcome: 'quotes',
      servedBy: id('self'),
      citations: [{ quote: 'Boil the water.' }],
      neighboursMissed: 0,
    });
    expect(asked.map(({ device }) => device)).toEqual([id('self')]);
  });

  it('comes from the neighbour whose library covers more of the question, and a tie stays here', async () => {
    const weak = found('Something.', 300);
    expect(
      await answerOf((await house(weak, { bora: found('The key.', 301), chen: found('Less.', 299) })).question('key?')),
    ).toMatchObject({ servedBy: id('bora'), citations: [{ quote: 'The key.' }], asked: [{}, {}, {}] });
    expect(await answerOf((await house(weak, { bora: found('The same.', 300) })).question('key?'))).toMatchObject({
      servedBy: id('self'),
    });
  });

  it('never shows a quote that does not stand in its passage, nor an empty one', async () => {
    for (const quote of ['Drink sea water.', '', '  ', 'the key hangs there.']) {
      const answer = await answerOf(
        (await house(nothing, { bora: found('The key hangs there.', 900, quote) })).question('key?'),
      );
      expect(answer).toMatchObject({ outcome: 'nothing', citations: [] });
    }
    const stray = {
      ...found('The key hangs there.', 900),
      quotes: [{ passageId: 'p2', quote: 'The key hangs there.', start: 0, end: 5 }],
    };
    expect(await answerOf((await house(nothing, { bora: stray })).question('key?'))).toMatchObject({ citations: [] });
  });

  it('does not believe evidence without passages, nor more than all of it', async () => {
    expect(
      await answerOf((await house(found('Here.', 10), { bora: { ...nothing, evidence: 1000 } })).question('?')),
    ).toMatchObject({ servedBy: id('self') });
    expect(
      await answerOf(
        (await house(found('Here.', 10), { bora: found('Boast.', 1_000_000), chen: found('All.', 1000) })).question(
          '?',
        ),
      ),
    ).toMatchObject({ servedBy: id('bora') });
  });

  it('says who was asked and what came of it, and how many could not be asked', async () => {
    const { question } = await house(nothing, { bora: 'offline', chen: nothing }, 5);
    const answer = await answerOf(question('key?'));
    expect(answer.asked.map(({ device, outcome }) => [device, outcome])).toEqual([
      [id('self'), 'ok'],
      [id('bora'), 'peer_offline'],
      [id('chen'), 'ok'],
    ]);
    expect(answer).toMatchObject({ outcome: 'nothing', neighboursMissed: 3, passages: [] });
  });

  it("for a neighbour's question comes from this device only", async () => {
    const { bus, asked } = await house(found('Weak.', 10), { chen: found('Strong.', 1000) });
    const items = bus.serve(
      { kind: 'device', device: id('bora') },
      asAny(askAnswer),
      { messages: [{ role: 'person', text: 'key?' }] },
      {},
    );
    let step = await items.next();
    while (!step.done) step = await items.next();
    expect(asked.map(({ device }) => device)).not.toContain(id('chen'));
  });

  it('is refused to a neighbour, as the library was, when nothing was searched: that is not "nothing found"', async () => {
    const world = createTestBus({ bora: 'member' });
    const { bus, clock } = world;
    const refusal = failure('unavailable', 'not-given');
    bus.register(librarySearch, () => err(refusal));
    const ask = createAsk({ bus, clock, selfDevice: () => 'self', librarians: () => [], knownNeighbours: () => 0 });
    await ask.start();
    const question = { messages: [{ role: 'person', text: 'key?' }] };
    expect(await world.serveFrom('bora', askAnswer, question)).toEqual(err(refusal));
  });

  it('needs a question', async () => {
    const { bus } = await house(nothing);
    expect(await bus.call(askAnswer, { messages: [{ role: 'library', text: 'x' }], mode: 'quotes' })).toMatchObject({
      error: { code: 'bad_request', reason: 'no-question' },
    });
  });
});
