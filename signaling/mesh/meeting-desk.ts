import {
  meshFailure,
  type Bytes,
  type MeshAnswer,
  type MeshFailure,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';
import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';
import type { Exchange, SendOutcome } from '../exchange.ts';
import type { Roster } from '../store/roster.ts';
import { fromFrame } from './from-frame.ts';
import type { MeshMetrics } from './mesh-metrics.ts';
import { bytesOfText, textOfBytes } from './wire-text.ts';

/** The tags that one joined connection is at, and its words to others there. */
export type MeetingDesk = {
  /** Enters, or asks again; a new sample each time. */
  meet(tag: Bytes): Promise<Result<MeshAnswer, MeshFailure>>;
  part(tag: Bytes): void;
  /** Null when this connection has not met at the tag. */
  send(request: Extract<MeshRequest, { type: 'send' }>): SendOutcome | Promise<SendOutcome> | null;
  leave(): void;
};

export type MeetingDeskDeps = {
  readonly id: string;
  readonly exchange: Exchange;
  /** Null where the server has no data file. */
  readonly roster: Roster | null;
  readonly metrics: MeshMetrics;
  /** Hands words to this connection's socket; false when it is behind. */
  passOn(frame: Uint8Array): boolean;
};

export const createMeetingDesk = ({ id, exchange, roster, metrics, passOn }: MeetingDeskDeps): MeetingDesk => {
  const partByTag = new Map<string, () => void>();

  const remember = (tag: string): void => {
    if (roster !== null && !roster.see(tag, id)) metrics.counts.rosterUnwritten += 1;
  };

  const enter = (tag: string): MeshFailure | null => {
    if (partByTag.has(tag)) return null;
    if (partByTag.size >= limits.meshTagsPerConnectionMax) return meshFailure('tags-per-connection');
    const part = exchange.join(tag, id, (from, at, bytes) => passOn(fromFrame(from, at, bytes)));
    if (part === null) return meshFailure('tags-total');
    partByTag.set(tag, part);
    remember(tag);
    return null;
  };

  return {
    meet: async (bytes) => {
      const tag = textOfBytes(bytes);
      const refused = enter(tag);
      if (refused !== null) return err(refused);
      const { near, present } = await exchange.sample(tag, id, limits.meetSampleMax);
      const away = Math.max(0, (roster?.countAt(tag) ?? 0) - present);
      return ok({ type: 'met', tag: bytes, near: near.map(bytesOfText), away });
    },
    part: (bytes) => {
      const tag = textOfBytes(bytes);
      partByTag.get(tag)?.();
      if (partByTag.delete(tag)) remember(tag);
    },
    send: ({ to, tag, bytes }) => {
      const at = textOfBytes(tag);
      return partByTag.has(at) ? exchange.send(textOfBytes(to), at, id, bytes) : null;
    },
    leave: () => {
      for (const [tag, part] of partByTag) {
        part();
        remember(tag);
      }
      partByTag.clear();
    },
  };
};
