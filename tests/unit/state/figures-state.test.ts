import { describe, expect, it } from 'vitest';
import type { Mesh, Neighbour } from '../../../src/lib/contracts/mesh.ts';
import type { FigureRow, NodeInfo } from '../../../src/lib/contracts/node.ts';
import { contractsByName } from '../../../src/lib/contracts/index.ts';
import { messages as de } from '../../../src/lib/i18n/messages/de.ts';
import { messages as en } from '../../../src/lib/i18n/messages/en.ts';
import { failureCodes } from '../../../src/lib/kernel/errors.ts';
import { figuresOf, whoAnswers } from '../../../src/lib/state/figures.svelte.ts';

type Area = NodeInfo['giving']['areas'][number];
const area = (name: string, over: Partial<Area> = {}): Area => ({
  ...{ area: name, isOn: true, isResting: false, cost: 'normal' as const },
  ...over,
});
const offer = (capability: string, over: object = {}) => ({
  ...{ capability, params: {}, loadPercent: 0, isFull: false },
  ...over,
});
const search = 'library.search@1.0';
const neighbour = (name: string, over: Partial<Neighbour> = {}): Neighbour => ({
  ...{ device: `${name}-phone`, person: name, name, state: 'linked', kind: 'webrtc', rttMs: 1, lastHeardAt: 1 },
  ...{ way: 'direct', address: null, linkedSince: 1 },
  ...{ hasTold: true, offers: [], profile: null, battery: null, loadPercent: 0, build: '' },
  ...over,
});
const views = (neighbours: readonly Neighbour[], areas: readonly Area[] = [area('library')], own: object[] = []) => ({
  info: { value: { device: 'anna-phone', giving: { areas, profile: 'hearth' } } as unknown as NodeInfo },
  mesh: { value: { neighbours, ownOffers: own } as unknown as Mesh },
  members: { value: null },
});
const figure = (over: Partial<FigureRow>): FigureRow => ({
  ...{ capability: search, direction: 'asked', peer: 'bora-phone', calls: 1, ok: 1, refusals: [], p50Ms: 5, p99Ms: 9 },
  ...{ totalMs: 5, hedges: 0, failovers: 0, missed: 0, lastServedAt: 100 },
  ...over,
});
/** All of them were heard just now. */
const now = 1;
const stateOf = (one: Neighbour, at = now): string | undefined =>
  whoAnswers(views([one]), [], at)?.rows[1]?.cells.find((cell) => cell.area === 'library')?.state;

describe('who answers what', () => {
  it('says of bora what he told: he gives, he is busy, he does not give', () => {
    expect(stateOf(neighbour('bora', { offers: [offer(search)] }))).toBe('gives');
    expect(stateOf(neighbour('bora', { offers: [offer(search, { isFull: true })] }))).toBe('busy');
    expect(stateOf(neighbour('bora', { offers: [offer('blobs.have@1.0')] }))).toBe('off');
  });

  it('says that it does not know while he has not told or is away, and never that he gives nothing', () => {
    expect(stateOf(neighbour('bora', { hasTold: false }))).toBe('unknown');
    expect(stateOf(neighbour('bora', { state: 'away', offers: [offer(search)] }))).toBe('unknown');
  });

  it('says that bora rests when his battery is low and he gives nothing but a sign of life', () => {
    const ping = offer('mesh.ping@1.0');
    expect(stateOf(neighbour('bora', { battery: 'low', offers: [ping] }))).toBe('resting');
    expect(stateOf(neighbour('bora', { battery: 'good', offers: [ping] }))).toBe('off');
    expect(stateOf(neighbour('bora', { battery: 'low', offers: [ping, offer('blobs.have@1.0')] }))).toBe('off');
    // A document may still be opened at a device that rests, but no question is answered there.
    expect(stateOf(neighbour('bora', { battery: 'low', offers: [ping, offer('library.read@1.0')] }))).toBe('resting');
  });

  it('says for how long bora was not heard, once that is more than ten seconds, and claims no more that he gives', () => {
    const bora = neighbour('bora', { offers: [offer(search)] });
    expect(stateOf(bora, 10_001)).toBe('gives');
    expect(stateOf(bora, 10_002)).toBe('silent');
    expect(stateOf(neighbour('bora', { offers: [offer(search, { isFull: true })] }), 10_002)).toBe('silent');
    expect(whoAnswers(views([bora]), [], 12_900)?.rows[1]?.cells[0]?.silentSeconds).toBe(12);
    expect(stateOf(neighbour('bora'), 60_000)).toBe('off');
    expect(stateOf(neighbour('bora', { state: 'away', offers: [offer(search)] }), 60_000)).toBe('unknown');
  });

  it('is busy only when all of an area is', () => {
    const offers = [offer(search, { isFull: true }), offer('library.read@1.0')];
    expect(stateOf(neighbour('bora', { offers }))).toBe('gives');
  });

  it("tells of anna's own device what is switched off and what rests for the battery", () => {
    const own = (given: Area, offers: object[] = []) =>
      whoAnswers(views([], [given], offers), [], now)?.rows[0]?.cells[0]?.state;
    expect(own(area('library'), [offer(search)])).toBe('gives');
    expect(own(area('library', { isOn: false }))).toBe('off');
    expect(own(area('library', { isResting: true }))).toBe('resting');
    expect(own(area('library', { isResting: true }), [offer('library.read@1.0')])).toBe('resting');
  });

  it('has a column for what only a newer neighbour gives, and none for the sign of life', () => {
    const chen = neighbour('chen', { offers: [offer('ocr.image@1.0'), offer('mesh.ping@1.0')] });
    expect(whoAnswers(views([chen]), [], now)?.areas).toEqual(['library', 'ocr']);
  });

  it('names who served last, and the usual time of each for what it did last', () => {
    const near = [neighbour('bora', { offers: [offer(search)] }), neighbour('chen', { offers: [offer(search)] })];
    const rows = [
      figure({ lastServedAt: 100, p50Ms: 7 }),
      figure({ peer: 'chen-phone', lastServedAt: 200, p50Ms: 40 }),
      figure({ peer: 'chen-phone', capability: 'library.read@1.0', lastServedAt: 150, p50Ms: 90 }),
      figure({ peer: 'dilek-phone', direction: 'served', lastServedAt: 900 }),
      figure({ peer: '*', lastServedAt: 950 }),
    ];
    const cells = whoAnswers(views(near), rows, now)?.rows.map((row) => row.cells[0]);
    expect(cells?.map((cell) => [cell?.p50Ms, cell?.isLast])).toEqual([
      [null, false],
      [7, false],
      [40, true],
    ]);
  });

  it('lists this device, then who is linked, then who was heard; others are only counted', () => {
    const answers = whoAnswers(
      views([
        neighbour('frieda', { state: 'away', lastHeardAt: 5 }),
        neighbour('dilek', { state: 'away', lastHeardAt: null }),
        neighbour('chen'),
        neighbour('bora'),
      ]),
      [],
      now,
    );
    expect(answers?.rows.map(({ device }) => device)).toEqual([
      ...['anna-phone', 'bora-phone', 'chen-phone', 'frieda-phone'],
    ]);
    expect(answers?.others).toBe(1);
  });

  it('is nothing before this device knows itself', () => {
    expect(whoAnswers({ info: { value: null }, mesh: { value: null }, members: { value: null } }, [], now)).toBeNull();
  });

  it('shows the figures of one device, the most used first', () => {
    const rows = [
      figure({ calls: 2 }),
      figure({ capability: 'mesh.ping@1.0', calls: 9 }),
      figure({ peer: 'chen-phone' }),
    ];
    expect(figuresOf(rows, 'bora-phone', 'asked').map(({ calls }) => calls)).toEqual([9, 2]);
    expect(figuresOf(rows, 'bora-phone', 'served')).toEqual([]);
  });
});

describe('the words of calls', () => {
  it('name every capability, every area that is given, every way to end and every reason to be left out', () => {
    const keys = [
      ...[...contractsByName.keys()].map((name) => `what.${name}`),
      ...[...contractsByName.values()]
        .filter(({ routable, policy }) => routable && policy !== 'open' && policy !== 'self')
        .map(({ name }) => `area.${name.slice(0, name.indexOf('.'))}`),
      ...['ok', ...Object.keys(failureCodes)].map((code) => `outcome.${code}`),
      ...['quarantined', 'full', 'stale', 'params', 'schema'].map((reason) => `skipped.${reason}`),
      ...['first', 'failover', 'hedge', 'probe', 'again'].map((why) => `why.${why}`),
    ];
    for (const key of keys) for (const texts of [en, de]) expect(texts).toHaveProperty([`calls.${key}`]);
  });
});
