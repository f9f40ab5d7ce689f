import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Witnesses } from './admissions.ts';
import type { AuthorityIndex, AuthorityView, Rank } from './authority-index.ts';
import type { VoidReason } from './effect.ts';
import type { SharedAct } from './intent.ts';
import type { SettledAct } from './past.ts';

/** What the judges look at beside the act and the facts of its past. */
export type JudgeDeps = { readonly community: Bytes; readonly witnesses: Witnesses };

/** One act about to be judged, and who is behind it at its past. */
export type Case<B> = {
  readonly act: SettledAct;
  readonly body: B;
  readonly person: string;
  readonly view: AuthorityView;
  readonly deps: JudgeDeps;
};

/** An act that has effect: whose it is, what it changes, and whether it ends something. */
export type Judged = {
  readonly person: string;
  readonly rank: Rank;
  readonly ending: Ending | null;
  note(index: AuthorityIndex): void;
};

/** What a judge of one kind answers: why the act is void, or what it changes. */
export type Verdict = VoidReason | { readonly ending?: Ending; note?(index: AuthorityIndex): void };

/** An act that ends somebody's trust, somebody's place here, or a device, and says how much of their writing still counts. */
export type Ending = {
  readonly act: SettledAct;
  readonly kind: SharedAct | 'leave' | 'revoke';
  /** Whom it is aimed at; of a `revoke` the owner of the device. */
  readonly person: string;
  /** The device that is given up; null where the whole person is meant. */
  readonly device: string | null;
  /** How many leading events count, by "device lane". */
  readonly counts: ReadonlyMap<string, number>;
  readonly writer: string;
  /** Co-signers of a shared act and their devices. */
  readonly signers: ReadonlySet<string>;
  readonly signingDevices: ReadonlySet<string>;
  /** Of its most senior signer. */
  readonly rank: Rank;
};
