import type { LinkWay, Topology } from '../contracts/mesh.ts';
import type { PersonCard } from './mesh.svelte.ts';

export type GraphNode = {
  readonly card: PersonCard;
  readonly x: number;
  readonly y: number;
  /** The diameter of the face. */
  readonly size: number;
};

/** `own`: a link of this person's devices; else what others say of theirs. Quality 1 to 3 is how quick it is, 3 the quickest. */
export type GraphLine = {
  readonly from: GraphNode;
  readonly to: GraphNode;
  readonly way: LinkWay;
  readonly isOwn: boolean;
  /** Both ends say so; a line of which only one end tells is drawn as a guess. */
  readonly isSure: boolean;
  readonly quality: 1 | 2 | 3;
};

export type Graph = {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly GraphNode[];
  readonly lines: readonly GraphLine[];
  /** Persons for whom there is no room in the picture; the list has them. */
  readonly left: number;
};

/** More faces than this cannot be told apart on a phone. */
export const graphPersonsMax = 60;

const width = 360;
const ringGap = 62;
const firstRing = 96;
/** The picture is a little flatter than round, so that on a phone the list below begins on the first screen. */
const flatness = 0.8;
/** What a face and the name under it take up above and below its middle. */
const faceRoom = 44;
const ownRoom = 66;

/**
 * Persons on rings around this one: the linked inside, those heard through others and the away outside, each beside somebody they
 * are linked with. Places depend on who is there and not on what was measured, so nothing jumps about.
 */
export const drawGraph = (cards: readonly PersonCard[], topology: Topology | null): Graph => {
  const own = cards.find(({ isSelf }) => isSelf);
  const shown = cards.filter((card) => !card.isSelf).slice(0, graphPersonsMax);
  if (!own) return { width, height: 0, nodes: [], lines: [], left: 0 };
  const told = personEdges(topology);
  const angles = new Map<string, number>();
  const anchorOf = (person: string): number => {
    const beside = told.flatMap(({ a, b }) => (a === person ? [b] : b === person ? [a] : []));
    return Math.min(...beside.flatMap((other) => angles.get(other) ?? []), 7);
  };
  const inner = shown.filter(({ state }) => state === 'linked').toSorted(byPerson);
  const outer = shown.filter(({ state }) => state !== 'linked');
  const rings = ringsOf(inner, 0);
  const faces: { readonly card: PersonCard; readonly radius: number; readonly angle: number }[] = [];
  const place = (ring: readonly PersonCard[], index: number): void => {
    const turn = ring.length <= 2 ? 0 : index % 2 === 0 ? -Math.PI / 2 : Math.PI / ring.length - Math.PI / 2;
    ring.forEach((card, i) => {
      const angle = turn + (i / ring.length) * 2 * Math.PI;
      angles.set(card.person, (angle + 2 * Math.PI) % (2 * Math.PI));
      faces.push({ card, radius: firstRing + index * ringGap, angle });
    });
  };
  rings.forEach(place);
  const besideInner = outer.toSorted((a, b) => anchorOf(a.person) - anchorOf(b.person) || byPerson(a, b));
  ringsOf(besideInner, rings.length).forEach((ring, i) => place(ring, rings.length + i));

  const radius = Math.max(firstRing, ...faces.map((face) => face.radius));
  const scale = Math.min(1, (width / 2 - 30) / radius);
  const size = faces.length > 24 ? 26 : faces.length > 10 ? 34 : 44;
  const around = faces.map(({ card, radius: far, angle }) => ({
    card,
    x: width / 2 + Math.cos(angle) * far * scale,
    y: Math.sin(angle) * far * scale * flatness,
    size,
  }));
  // No taller than its faces need: the list below belongs to the first screen.
  const top = Math.min(-ownRoom, ...around.map(({ y }) => y - faceRoom));
  const bottom = Math.max(ownRoom, ...around.map(({ y }) => y + faceRoom));
  const nodes: GraphNode[] = [{ card: own, x: width / 2, y: 0, size: 56 }, ...around].map((node) => ({
    ...node,
    y: node.y - top,
  }));
  const height = Math.round(bottom - top);
  return { width, height, nodes, lines: linesOf(nodes, told), left: cards.length - 1 - shown.length };
};

const byPerson = (a: PersonCard, b: PersonCard): number => (a.person < b.person ? -1 : 1);

/** So many faces as fit beside each other on each ring, from ring `first` on. */
const ringsOf = (cards: readonly PersonCard[], first: number): readonly (readonly PersonCard[])[] => {
  if (cards.length === 0) return [];
  const room = Math.floor((2 * Math.PI * (firstRing + first * ringGap)) / ringGap);
  return [cards.slice(0, room), ...ringsOf(cards.slice(room), first + 1)];
};

type PersonEdge = { readonly a: string; readonly b: string; readonly isSure: boolean };

/** Links between devices as links between their persons, each pair once; sure when any of them is. */
const personEdges = (topology: Topology | null): readonly PersonEdge[] => {
  const personOf = new Map(topology?.nodes.map(({ device, person }) => [device, person]) ?? []);
  const byPair = new Map<string, PersonEdge>();
  for (const { from, to, told } of topology?.edges ?? []) {
    const [one, other] = [personOf.get(from), personOf.get(to)];
    if (one === undefined || other === undefined || one === other) continue;
    const [a, b] = one < other ? [one, other] : [other, one];
    const isSure = told !== 'one' || byPair.get(`${a} ${b}`)?.isSure === true;
    byPair.set(`${a} ${b}`, { a, b, isSure });
  }
  return [...byPair.values()];
};

const linesOf = (nodes: readonly GraphNode[], told: readonly PersonEdge[]): readonly GraphLine[] => {
  const [own] = nodes;
  if (!own) return [];
  const byId = new Map(nodes.map((node) => [node.card.person, node]));
  const others = told.flatMap(({ a, b, isSure }): GraphLine[] => {
    const [from, to] = [byId.get(a), byId.get(b)];
    if (!from || !to || from === own || to === own) return [];
    return [{ from, to, way: 'none', isOwn: false, isSure, quality: 1 }];
  });
  const ours = nodes.flatMap((to): GraphLine[] => {
    const { state, way, rttMs } = to.card;
    if (state !== 'linked') return [];
    return [{ from: own, to, way, isOwn: true, isSure: true, quality: qualityOf(rttMs) }];
  });
  return [...others, ...ours];
};

const qualityOf = (rttMs: number | null): 1 | 2 | 3 => {
  if (rttMs === null || rttMs > 300) return 1;
  return rttMs > 80 ? 2 : 3;
};
