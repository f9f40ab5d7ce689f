import type { Carrier } from '../kernel/ports/transport.ts';

/** The offerer describes itself first; the answerer accepts that and describes itself. */
export type PipeRole = 'offerer' | 'answerer';

/** None is called from within `openPipe`, and of the others only `closed`, when a description is refused or an open carrier is closed. */
export type PipeHandlers = {
  /** This end's description, once; to be carried to the other end. */
  described(sdp: string): void;
  opened(carrier: Carrier): void;
  /** Once, after a failure or when the open carrier ended. */
  closed(reason: string): void;
};

/** A carrier in the making. */
export type Pipe = {
  /** The other end's description, once. */
  accept(sdp: string): void;
  /** Gives up; no handler is called afterwards. Does nothing to a carrier that is open. */
  close(): void;
};

/** null when no more pipes may be open at a time, or none can be made here. */
export type OpenPipe = (role: PipeRole, handlers: PipeHandlers) => Pipe | null;

/** The ways to a pipe from one meeting place. */
export type PipeWays = {
  readonly direct: OpenPipe;
  /** null where there is nothing between two devices that could pass frames on. */
  readonly relay: OpenPipe | null;
  /** Whether this device makes and takes direct pipes now. */
  isDirectPossible(): boolean;
};

/** Descriptions of the one way begin with this; a session description (RFC 8866) begins with its version. */
export const relayDescriptionPrefix = 'relay:';
