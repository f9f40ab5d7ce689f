import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/lib/contracts/ask.ts';
import { isVital, numberQuotes } from '../../../src/lib/state/ask.svelte.ts';
import { personCards, personOfDevice, type PeopleViews } from '../../../src/lib/state/mesh.svelte.ts';

const views = {
  info: { value: { device: 'A', person: 'anna', name: 'Anna', build: '1', startedAt: 0 } },
  mesh: {
    value: {
      neighbours: [
        {
          device: 'C',
          person: 'chen',
          name: 'Chen',
          state: 'away',
          kind: 'none',
          way: 'none',
          rttMs: null,
          lastHeardAt: 5,
          offers: [],
          build: '1',
        },
        {
          device: 'F',
          person: 'frieda',
          name: 'Frieda',
          state: 'away',
          kind: 'none',
          way: 'none',
          rttMs: null,
          lastHeardAt: 7,
          offers: [],
          build: '1',
        },
        {
          device: 'A2',
          person: 'anna',
          name: 'Anna',
          state: 'linked',
          kind: 'webrtc',
          way: 'direct',
          rttMs: 1,
          lastHeardAt: 9,
          offers: [],
          build: '1',
        },
        {
          device: 'B2',
          person: 'bora',
          name: 'Bora',
          state: 'away',
          kind: 'none',
          way: 'none',
          rttMs: null,
          lastHeardAt: 2,
          offers: [{ capability: 'library.search@1.0', params: { corpus: ['left-at-home'] } }],
          build: '1',
        },
        {
          device: 'B',
          person: 'bora',
          name: 'Bora',
          state: 'linked',
          kind: 'webrtc',
          way: 'direct',
          rttMs: 3,
          lastHeardAt: 9,
          build: '1',
          offers: [
            { capability: 'library.search@1.0', params: { corpus: ['street-notes', 'starter'] } },
            { capability: 'odd name', params: {} },
          ],
        },
      ],
    },
  },
  members: {
    value: {
      former: [{ person: 'frieda', name: 'Frieda', how: 'left', at: 1 }],
      members: [
        { person: 'anna', name: 'Anna', role: 'anchor', devices: ['A'], isSelf: true, invitedBy: null, since: 1 },
        {
          person: 'bora',
          name: 'Bora',
          role: 'member',
          devices: ['B', 'B2'],
          isSelf: false,
          invitedBy: 'anna',
          since: 2,
        },
        { person: 'dilek', name: 'Dilek', role: 'member', devices: ['D'], isSelf: false, invitedBy: 'bora', since: 3 },
      ],
    },
  },
} as unknown as PeopleViews;

describe('who is in the mesh', () => {
  it('is listed once each, however many devices: anna herself, then the linked, then the away, also members never met, but nobody who left', () => {
    const cards = personCards(views);
    expect(cards.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'Anna self',
      'Bora linked',
      'Chen away',
      'Dilek away',
    ]);
    expect(cards[1]?.offers).toEqual({ answers: true, corpora: ['starter', 'street-notes'] });
    expect(cards.map(({ role }) => role)).toEqual(['anchor', 'member', 'member', 'member']);
  });

  it('has a name for every device that anybody told of, and none for a stranger', () => {
    expect(personOfDevice('B2', views)?.name).toBe('Bora');
    expect(personOfDevice('C', views)?.name).toBe('Chen');
    expect(personOfDevice('A', views)?.isSelf).toBe(true);
    expect(personOfDevice('Z', views)).toBeNull();
  });
});

describe('an answer of quotes', () => {
  const passage = (id: string, cid: string) => ({ id, cid, title: id });
  const answer = {
    citations: [
      { passageId: 'p2', quote: 'two' },
      { passageId: 'p1', quote: 'one' },
      { passageId: 'p2', quote: 'again' },
      { passageId: 'gone', quote: 'x' },
    ],
    passages: [passage('p1', 'water'), passage('p2', 'bleeding')],
  } as unknown as Answer;

  it('numbers its sources in the order of their first quote, each once', () => {
    const { quotes, sources } = numberQuotes(answer);
    expect(sources.map(({ n, passage: { id } }) => `${n} ${id}`)).toEqual(['1 p2', '2 p1']);
    expect(quotes.map(({ source }) => source?.n ?? 0)).toEqual([1, 2, 1, 0]);
  });

  it('puts the number to call on top when its first source is a guide about danger', () => {
    expect(isVital(answer, (cid) => cid)).toBe(true);
    expect(isVital(answer, () => '')).toBe(false);
  });
});
