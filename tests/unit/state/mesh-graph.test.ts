import { describe, expect, it } from 'vitest';
import type { Topology } from '../../../src/lib/contracts/mesh.ts';
import { drawGraph, graphPersonsMax, type Graph } from '../../../src/lib/state/mesh-graph.ts';
import type { PersonCard } from '../../../src/lib/state/mesh.svelte.ts';

const card = (person: string, state: PersonCard['state'] = 'linked', over: Partial<PersonCard> = {}): PersonCard => ({
  ...{ person, name: person, isSelf: state === 'self', role: 'member', state, rttMs: 20, lastHeardAt: 1 },
  ...{ way: state === 'linked' ? 'direct' : 'none', offers: { answers: false, corpora: [] }, hasFrozen: false },
  ...over,
});
const anna = card('anna', 'self');
const topology = (...pairs: readonly [string, string, 'self' | 'both' | 'one'][]): Topology => {
  const persons = [...new Set(pairs.flatMap(([from, to]) => [from, to]))];
  return {
    nodes: persons.map((person) => ({ device: `${person}-phone`, person, name: person, state: 'near' })),
    edges: pairs.map(([from, to, told]) => ({ from: `${from}-phone`, to: `${to}-phone`, kind: 'unknown', told })),
    left: 0,
  };
};
const lines = (graph: Graph): string[] =>
  graph.lines.map(({ from, to, isOwn, isSure }) => {
    const pair = [from.card.person, to.card.person].toSorted().join('-');
    return `${pair} ${isOwn ? 'own' : isSure ? 'told' : 'guess'}`;
  });

describe('the picture of the neighbourhood', () => {
  it('has anna in the middle, a line to whom she is linked with, and none to chen who is away', () => {
    const graph = drawGraph([anna, card('bora'), card('chen', 'away')], null);
    expect(graph.nodes.map((node) => node.card.person)).toEqual(['anna', 'bora', 'chen']);
    expect(graph.nodes[0]?.x).toBe(graph.width / 2);
    expect(lines(graph)).toEqual(['anna-bora own']);
  });

  it('draws what others say of their links, a guess where only one says so, and never their word on links of hers', () => {
    const cards = [anna, card('bora'), card('chen', 'near'), card('dilek', 'near')];
    const told = topology(['bora', 'chen', 'both'], ['chen', 'dilek', 'one'], ['anna', 'chen', 'self']);
    expect(lines(drawGraph(cards, told))).toEqual(['bora-chen told', 'chen-dilek guess', 'anna-bora own']);
  });

  it('keeps every face inside of the picture and apart from every other, for a few and for many', () => {
    for (const count of [1, 2, 3, 7, 12, 25, 60]) {
      const crowd = Array.from({ length: count }, (_, i) =>
        card(`p${i}`, i % 3 === 1 ? 'near' : i % 3 ? 'away' : 'linked'),
      );
      const { nodes, width, height } = drawGraph([anna, ...crowd], null);
      for (const [i, a] of nodes.entries()) {
        expect(a.x - a.size / 2).toBeGreaterThanOrEqual(0);
        expect(a.x + a.size / 2).toBeLessThanOrEqual(width);
        expect(a.y - a.size / 2).toBeGreaterThanOrEqual(0);
        expect(a.y + a.size / 2).toBeLessThanOrEqual(height);
        for (const b of nodes.slice(i + 1))
          expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual((a.size + b.size) / 2 - 6);
      }
    }
  });

  it('does not move anybody when only what was measured has changed', () => {
    const places = (rttMs: number): string =>
      JSON.stringify(
        drawGraph([anna, card('chen', 'linked', { rttMs }), card('bora')], null)
          .nodes.map(({ card: { person }, x, y }) => [person, x, y])
          .toSorted(),
      );
    expect(places(400)).toBe(places(10));
  });

  it('counts those for whom it has no room', () => {
    const crowd = Array.from({ length: 70 }, (_, i) => card(`p${i}`, 'away'));
    const { nodes, left } = drawGraph([anna, ...crowd], null);
    expect(nodes).toHaveLength(graphPersonsMax + 1);
    expect(left).toBe(10);
  });
});
