import type { Channel } from './transport.ts';

/** A proven neighbour's device at the other end. */
export type LinkPeer = {
  readonly device: string;
  readonly person: string;
  readonly name: string;
  readonly build: string;
};

/**
 * A mutually authenticated, framed, ordered connection (protocol 5). Frames of at most `limits.frameBytesMax`, chunked inside.
 * Made by the mesh after Hello; everything above speaks to neighbours through it.
 */
export type Link = {
  readonly id: string;
  readonly peer: LinkPeer;
  readonly kind: 'webrtc' | 'relay' | 'memory';
  /** False when the link is gone or too much is queued; the sender keeps what it could not hand over. */
  send(channel: Channel, frame: Uint8Array): boolean;
  /** Resolves when less than the low mark is queued on the channel, or when the link is gone. */
  drained(channel: Channel): Promise<void>;
  onFrame(channel: Channel, listener: (frame: Uint8Array) => void): () => void;
  /**
   * Asked before each sign of life (every 5 s) for frames that may travel with it, so that what is in no hurry costs no message of
   * its own. They arrive as any frame of that channel; what is over `roomBytes` together with others has to wait for the next.
   */
  rides(channel: Channel, rider: (roomBytes: number) => readonly Uint8Array[]): () => void;
  readonly isOpen: boolean;
  close(reason: string): void;
};

/** The links that stand now. Somebody at the door with an invite is not among them until admitted. */
export type Links = {
  all(): readonly Link[];
  of(device: string): Link | null;
  onUp(listener: (link: Link) => void): () => void;
  onDown(listener: (link: Link, reason: string) => void): () => void;
};
