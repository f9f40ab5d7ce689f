import { describe, expect, it } from 'vitest';
import { issueCertificate } from '../../src/lib/crypto/certificate.ts';
import { logBundle, logEntries, logOverview, type LogEntry } from '../../src/lib/contracts/log.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { countLog, inspectPage, type InspectionParts } from '../../src/lib/log/inspection.ts';
import type { EventLog } from '../../src/lib/log/event-log.ts';
import type { Neighbourhood } from '../../src/lib/log/neighbourhood.ts';
import { createActs } from '../../src/lib/log/acts.ts';
import { placeKey, signReceipt } from '../../src/lib/log/receipts.ts';
import { createLogService } from '../../src/lib/services/log.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createTestBus, echo } from './bus-fixture.ts';
import { asIncoming, sayAt } from './forks-fixture.ts';
import { hashOf, makePerson, makeStreet, platformCrypto, say, todayLane, type Person } from './street-fixture.ts';

/** A further device of somebody's, with a certificate by their root. */
const makeTablet = async (owner: Person): Promise<Person> => {
  const tablet = await makePerson(`${owner.name}'s tablet`);
  const { root, created, expires } = owner.certificate;
  const { signing, agreement } = tablet.keys;
  const certificate = await issueCertificate(
    { root, created, expires, device: signing.publicKey, agreement: agreement.publicKey },
    { root: owner.rootSign, device: signing.sign },
  );
  return { ...tablet, certificate, person: owner.person };
};

/** Anna's device in a street with bora, who has a phone and a tablet, and chen; `isIn`: false: it belongs to no neighbourhood. */
const house = async (isIn = true, damages: EventLog['damages'] | null = null) => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const [anna, bora, chen] = street.people as [Person, Person, Person];
  const tablet = await makeTablet(bora);
  const acts = createActs({ crypto: platformCrypto, random: seededRandom('acts'), device: anna.keys });
  unwrap(await acts.addDevice(street.founder.here, tablet.certificate));
  street.clock.advance(1_000);
  const at = await street.move(anna);
  const { bus, callFrom } = createTestBus({ [bora.device]: 'anchor' });
  const partsOf = (here: Neighbourhood): InspectionParts => ({
    log: here.log,
    receipts: here.receipts,
    voids: new Map([...here.room().voidById, ...here.membership().voidById]),
  });
  const service = createLogService({
    bus,
    clock: at.clock,
    current: () => (isIn ? { ...at.here, log: Object.assign(Object.create(at.log), damages && { damages }) } : null),
    page: (here, wish) => inspectPage(partsOf(here), wish),
    counts: (here) => countLog(partsOf(here)),
    selfDevice: () => anna.device,
    build: 'test',
    refusals: () => new Map([['hello-clock', 2]]),
    links: () => [{ kind: 'webrtc', rttMs: 12, build: 'test' }],
  });
  await service.start();
  const { community } = street;
  let receipts = 0;
  const signs = async (who: Person, ...held: readonly (readonly [device: string, lane: number, next: number])[]) =>
    unwrap(
      await at.receipts.take(
        (
          await signReceipt(who.keys.signing, {
            community,
            hlc: ++receipts,
            nextByPlace: new Map(held.map(([device, lane, next]) => [placeKey(device, lane), next])),
          })
        ).bytes,
      ),
    );
  return { ...at, street, community, anna, bora, chen, tablet, bus, callFrom, signs };
};

const pageOf = async ({ bus }: Pick<Awaited<ReturnType<typeof house>>, 'bus'>, before: string | null, limit: number) =>
  unwrap(await bus.call(logEntries, { before, only: 'all' as const, limit })).output;

const entriesOf = async (at: Pick<Awaited<ReturnType<typeof house>>, 'bus'>) => (await pageOf(at, null, 50)).entries;

describe('who holds an entry', () => {
  it('are people and not devices, and neither its author nor oneself', async () => {
    const at = await house();
    const { anna, bora, chen, tablet, signs } = at;
    unwrap(await say(at.log, 'Hello'));
    expect((await entriesOf(at))[0]).toMatchObject({ name: 'anna', isOwn: true, kind: 'chat.message', heldBy: [] });
    await signs(bora, [anna.device, todayLane, 1]);
    await signs(tablet, [anna.device, todayLane, 1]);
    expect((await entriesOf(at))[0]?.heldBy).toEqual(['bora']);
    await signs(chen, [anna.device, todayLane, 1]);
    expect((await entriesOf(at))[0]?.heldBy).toEqual(['bora', 'chen']);
  });

  it('of an entry by bora: his tablet is no other, and anna does not count herself', async () => {
    const at = await house();
    const { bora, chen, tablet, community, signs } = at;
    unwrap(
      await at.log.receive(
        asIncoming([await sayAt(bora, community, 0, 'From the phone', hlcFromMs(at.clock.now()))]),
        'bora',
      ),
    );
    await signs(tablet, [bora.device, todayLane, 1]);
    expect((await entriesOf(at))[0]).toMatchObject({ name: 'bora', isOwn: false, heldBy: [] });
    await signs(chen, [bora.device, todayLane, 1]);
    expect((await entriesOf(at))[0]?.heldBy).toEqual(['chen']);
    const { lanes } = unwrap(await at.bus.call(logOverview, {})).output;
    expect(lanes.find(({ device, lane }) => device === bora.device && lane === todayLane)).toMatchObject({
      events: 1,
      heldBy: 1,
      heldOf: 1,
    });
  });

  it('hold a lane in full only with its last entry', async () => {
    const at = await house();
    const { anna, bora, signs } = at;
    unwrap(await say(at.log, 'one'));
    unwrap(await say(at.log, 'two'));
    const own = async () =>
      unwrap(await at.bus.call(logOverview, {})).output.lanes.find(
        ({ device, lane }) => device === anna.device && lane === todayLane,
      );
    await signs(bora, [anna.device, todayLane, 1]);
    expect(await own()).toMatchObject({ events: 2, heldBy: 0, heldOf: 2 });
    await signs(bora, [anna.device, todayLane, 2]);
    expect(await own()).toMatchObject({ events: 2, heldBy: 1, heldOf: 2 });
  });
});

describe('the log on the screen', () => {
  it('is for the own screens alone, whatever the role of who asks', async () => {
    const { callFrom, bora } = await house();
    for (const [capability, input] of [
      [logOverview, {}],
      [logEntries, {}],
      [logBundle, {}],
    ])
      expect(await callFrom(bora.device, capability, input)).toMatchObject({ error: { code: 'forbidden' } });
  });

  it('is not found where there is no neighbourhood', async () => {
    const { bus } = await house(false);
    const none = { ok: false, error: { code: 'not_found', reason: 'no-neighbourhood' } };
    expect(await bus.call(logOverview, {})).toMatchObject(none);
    expect(await bus.call(logEntries, { before: null, only: 'all', limit: 5 })).toMatchObject(none);
    expect(await bus.call(logBundle, {})).toMatchObject(none);
  });

  it('takes no cursor that it has not given', async () => {
    const { bus } = await house();
    for (const before of ['', '1 2 3 4', `1 ${'x'.repeat(43)} 0`, `-1 ${'x'.repeat(43)} 0 0`])
      expect(await bus.call(logEntries, { before, only: 'all', limit: 5 })).toMatchObject({
        error: { code: 'schema_mismatch' },
      });
  });

  it('goes on page by page, and shows no words of a message', async () => {
    const at = await house();
    unwrap(await say(at.log, 'Water at the well'));
    const whole = await entriesOf(at);
    const paged: LogEntry[] = [];
    let before: string | null = null;
    do {
      const page: { entries: LogEntry[]; next: string | null } = await pageOf(at, before, 2);
      paged.push(...page.entries);
      before = page.next;
    } while (before !== null);
    expect(paged).toEqual(whole);
    expect(whole.length).toBe(at.log.size);
    expect(JSON.stringify(whole)).not.toContain('Water');
  });

  it('counts what links, calls and the log have refused in one list', async () => {
    const at = await house();
    await at.log.receive([{ envelope: hashOf('rubbish'), payload: null }], 'chen');
    const { refused } = unwrap(await at.bus.call(logOverview, {})).output;
    expect(refused).toContainEqual({ reason: 'hello-clock', count: 2 });
    expect(refused.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  });
});

describe('the file for whoever helps', () => {
  it('holds the counts of a street with a fork, and no name, text or key', async () => {
    const chenDevice = (await makePerson('chen')).device;
    const at = await house(true, () => [{ author: chenDevice, lane: todayLane, from: 3, to: 5 }]);
    const { bora, community, signs, anna } = at;
    unwrap(await say(at.log, 'Water at the well'));
    const [first, twin] = [await sayAt(bora, community, 0, 'Von hier'), await sayAt(bora, community, 0, 'Von dort')];
    for (const event of [first, twin]) await at.log.receive(asIncoming([event]), 'bora');
    await signs(bora, [anna.device, todayLane, 1]);
    expect(at.log.forks().length).toBe(1);
    await at.bus.call(echo(), { text: 'a trace' });
    const { file, name } = unwrap(await at.bus.call(logBundle, {})).output;
    const text = new TextDecoder().decode(file);
    const bundle = JSON.parse(text);
    expect(name).toBe('hearthnet-diagnosis-2026-06-15.json');
    expect(bundle).toMatchObject({ build: 'test', events: at.log.size, forks: [{ lane: todayLane, seq: 0 }] });
    expect(new Set(bundle.lanes.map(({ device }: { device: unknown }) => device))).toEqual(new Set([1]));
    expect(typeof bundle.forks[0].device).toBe('number');
    expect(bundle.damages).toEqual([{ device: expect.any(Number), lane: todayLane, from: 3, to: 5 }]);
    expect(bundle.traces).toContainEqual(expect.objectContaining({ capability: 'test.echo@1.2', caller: 'self' }));
    for (const secret of ['anna', 'bora', 'chen', 'Lindenstrasse', 'Water', 'Von hier'])
      expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
    expect(text).not.toMatch(/[\w-]{43}/);
  });
});
