/**
 * A way by which devices at one meeting place tell each other sealed words before a pipe stands between them: a server, a neighbour
 * who passes them on, a radio. Words may be lost, doubled or late, and whoever carries them can read none of them.
 */
export type Road = {
  readonly name: 'server' | 'mesh' | 'radio';
  /** Enters the place of this tag; `RoadPlace.leave` leaves it. */
  enter(tag: string, listener: RoadListener): RoadPlace;
};

export type RoadListener = {
  /** `from` is what this road calls the sender; it proves nothing and is only good for an answer on the same road. */
  heard(sealed: Uint8Array<ArrayBuffer>, from: string): void;
  /** Words can be said now, here are some who may be near (a sample, never all); what was said meanwhile is lost. */
  opened(near: readonly string[]): void;
};

export type RoadPlace = {
  /** `to` is a name from `heard` or `opened`; null says it to whomever the road reaches at once. False when it cannot be said now. */
  say(sealed: Uint8Array<ArrayBuffer>, to: string | null): boolean;
  leave(): void;
};
