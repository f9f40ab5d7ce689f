import type { Bytes } from './crypto.ts';
import type { Carrier } from './transport.ts';

/** Where a device can be reached inside its own network: a literal IPv4 or IPv6 address, or a name made up for this (`….local`). */
export type PairAddress = { readonly host: string; readonly port: number };

/** All that the other end of a pipe has to know, when nobody stands between the two to carry offers and answers. */
export type PairFacts = {
  /** SHA-256 of the DTLS certificate. */
  readonly fingerprint: Bytes;
  readonly ufrag: string;
  readonly password: string;
  /** May be empty: it is enough when one of the two ends can be reached. */
  readonly addresses: readonly PairAddress[];
};

export type PairHandlers = {
  /** Once: what to show to the other. */
  described(facts: PairFacts): void;
  /** The pipe stands. The end with the smaller fingerprint is the offerer. */
  opened(carrier: Carrier): void;
  /** Once, after a failure or when the open carrier ended. `dtls-failed`: who answered has another certificate than was told. */
  closed(reason: string): void;
};

/** One end in the making. Nothing happens to the other end's facts before they are given. */
export type PairPipe = {
  connect(other: PairFacts): void;
  /** Gives up; no handler is called afterwards. Does nothing to a carrier that is open. */
  close(): void;
};

/** Pipes that two devices open to each other from what each has shown the other. null: no room for one, or none can be made here. */
export type PairingPort = { open(handlers: PairHandlers): PairPipe | null };
