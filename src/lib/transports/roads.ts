import { limits } from '../kernel/limits.ts';
import type { Road, RoadPlace } from '../kernel/ports/road.ts';

/** Every road this device has. Places that are entered already are entered on a new one too. */
export type Roads = {
  add(road: Road): () => void;
  enter(tag: string, listener: RoadsListener): RoadsPlace;
};

/** By which road words came, and what it calls their sender. */
export type Way = { readonly road: Road; readonly from: string };

export type RoadsListener = {
  heard(sealed: Uint8Array<ArrayBuffer>, way: Way): void;
  /** A road is open, or has come upon somebody new. */
  opened(): void;
};

/** One place on all roads. */
export type RoadsPlace = {
  /**
   * To one participant by the road it was last heard on, else, or for null, to everybody on all of them. False when no road takes it.
   * Routine is no trouble to neighbours: they carry words for who looks for somebody.
   */
  say(sealed: Uint8Array<ArrayBuffer>, participant: string | null, isRoutine?: boolean): boolean;
  /** Words that came this way were truly sealed by this participant. */
  note(participant: string, way: Way): void;
  leave(): void;
};

export const createRoads = (): Roads => {
  const roads = new Set<Road>();
  const entrances = new Set<Entrance>();
  return {
    add: (road) => {
      if (roads.has(road)) throw new Error(`roads: this ${road.name} road is there already`);
      if (roads.size >= limits.roadsMax) throw new RangeError('roads: too many');
      roads.add(road);
      for (const entrance of entrances) enterOn(entrance, road);
      return () => {
        if (!roads.delete(road)) return;
        for (const entrance of entrances) leaveOn(entrance, road);
      };
    },
    enter: (tag, listener) => {
      const entrance: Entrance = { tag, listener, placesByRoad: new Map(), waysByParticipant: new Map() };
      entrances.add(entrance);
      for (const road of roads) enterOn(entrance, road);
      return {
        say: (sealed, participant, isRoutine = false) => say(entrance, sealed, participant, isRoutine),
        note: (participant, way) => note(entrance, participant, way),
        leave: () => {
          entrances.delete(entrance);
          for (const road of roads) leaveOn(entrance, road);
        },
      };
    },
  };
};

type Entrance = {
  readonly tag: string;
  readonly listener: RoadsListener;
  readonly placesByRoad: Map<Road, RoadPlace>;
  readonly waysByParticipant: Map<string, Way>;
};

const enterOn = (entrance: Entrance, road: Road): void => {
  const { tag, listener, placesByRoad } = entrance;
  let isOpenAlready = false;
  const place = road.enter(tag, {
    heard: (sealed, from) => listener.heard(sealed, { road, from }),
    opened: () => {
      // A road may be open before it has answered; nothing can be said on it until then.
      if (placesByRoad.has(road)) listener.opened();
      else isOpenAlready = true;
    },
  });
  placesByRoad.set(road, place);
  if (isOpenAlready) listener.opened();
};

const leaveOn = ({ placesByRoad, waysByParticipant }: Entrance, road: Road): void => {
  placesByRoad.get(road)?.leave();
  placesByRoad.delete(road);
  for (const [participant, way] of waysByParticipant) if (way.road === road) waysByParticipant.delete(participant);
};

const say = (
  entrance: Entrance,
  sealed: Uint8Array<ArrayBuffer>,
  participant: string | null,
  isRoutine: boolean,
): boolean => {
  const way = participant === null ? undefined : entrance.waysByParticipant.get(participant);
  if (way !== undefined && entrance.placesByRoad.get(way.road)?.say(sealed, way.from) === true) return true;
  const taken = [...entrance.placesByRoad].map(
    ([road, place]) => (isRoutine && road.name === 'mesh') || place.say(sealed, null),
  );
  return taken.includes(true);
};

const note = ({ waysByParticipant }: Entrance, participant: string, way: Way): void => {
  waysByParticipant.delete(participant);
  waysByParticipant.set(participant, way);
  if (waysByParticipant.size <= limits.participantsPerPlaceMax) return;
  const [oldest] = waysByParticipant.keys();
  if (oldest !== undefined) waysByParticipant.delete(oldest);
};
