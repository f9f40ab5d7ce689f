import { maxLength, nullable, object, picklist, pipe, string, type InferOutput } from 'valibot';
import { limits } from '../kernel/limits.ts';
import { define, noDeadline } from './define.ts';
import { bytes32Id, count } from './fields.ts';

const pairing = object({
  /**
   * showing: the own code is there, and any code may be read; connecting: the other's was read, and theirs has to read ours; linked:
   * a neighbour now; door: one of the two stands at the other's door with an invite.
   */
  step: picklist(['preparing', 'showing', 'connecting', 'linked', 'door', 'failed']),
  /** guest: this device has an invite and is in no neighbourhood yet. */
  role: picklist(['member', 'guest']),
  /** The own code for a QR code, and for a message or a file. */
  picture: string(),
  words: string(),
  /** How many addresses the own code names. */
  addresses: count,
  /** Who is there, once Hello has proven it. */
  device: nullable(bytes32Id),
  person: nullable(bytes32Id),
  name: string(),
  /** Why it failed; '' when it did not. */
  reason: picklist([
    '',
    'pairing-no-place',
    'pairing-hidden',
    'pairing-unavailable',
    'pairing-unfit',
    'pairing-timeout',
    'pairing-stale',
    'pairing-fingerprint',
    'pairing-hello',
    'pairing-lost',
    'pairing-over',
  ]),
});
export type Pairing = InferOutput<typeof pairing>;

/**
 * Links this device with one that is near, without any server: shows a code and waits for the other's, for as long as it is read. A
 * second reader begins anew, and what the first showed is over.
 */
export const meshPair = define({
  name: 'mesh.pair',
  input: object({}),
  output: pairing,
  item: pairing,
  policy: 'self',
  timeoutMs: noDeadline,
  idempotent: false,
});

/** Gives the other's code, as it was scanned, pasted or opened, to the pairing that is under way. */
export const meshPairWith = define({
  name: 'mesh.pairWith',
  input: object({ code: pipe(string(), maxLength(limits.pairingTextCharsMax)) }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});
