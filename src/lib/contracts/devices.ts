import {
  array,
  boolean,
  instance,
  maxLength,
  minLength,
  nullable,
  object,
  optional,
  picklist,
  pipe,
  string,
  type InferOutput,
} from 'valibot';
import { define, noDeadline } from './define.ts';
import { limits } from '../kernel/limits.ts';
import { bytes32Id, count, personName } from './fields.ts';

const device = object({
  device: bytes32Id,
  isSelf: boolean(),
  /** frozen: two different events of it at one place were found (a copied or rolled-back profile, or a thief); revoked: given up by its person. */
  state: picklist(['active', 'frozen', 'revoked']),
  since: count,
  /** Milliseconds since 1970 of the last verified frame; null when never heard since this node started. */
  lastHeardAt: nullable(count),
});
export type OwnDevice = InferOutput<typeof device>;

/** A new device of one's own that stands at the door with a link code: the same six emoji are on both screens. */
const linking = object({ request: bytes32Id, emoji: array(string()), since: count });

const devices = object({
  devices: array(device),
  /** False on a device that was linked without the person's root key: it cannot show the card, nor link or revoke others. */
  hasRoot: boolean(),
  /** When the card was last shown on this device, and whether its words were typed in again rightly; null: never. */
  cardShownAt: nullable(count),
  cardTestedAt: nullable(count),
  linking: array(linking),
  linkCode: nullable(object({ code: string(), expiresAt: count })),
  /** Why this device gave itself up at the last start ('' while it did not): its disk had gone back in time, or it is a copy. */
  retiredReason: string(),
});
export type Devices = InferOutput<typeof devices>;

/** This person's devices and what stands ready to save them; a snapshot now and at every change. */
export const devicesList = define({
  name: 'devices.list',
  input: object({}),
  output: devices,
  item: devices,
  policy: 'self',
  timeoutMs: noDeadline,
});

/** On the device that is in: a code for a further device of the same person, shown as QR and as a link (after `#device=`). */
export const devicesLinkCode = define({
  name: 'devices.linkCode',
  input: object({}),
  output: object({ code: string(), expiresAt: count }),
  policy: 'self',
  idempotent: false,
});

/** On the new device, which must not be in a neighbourhood yet. Its six emoji come with `community.members`. */
export const devicesLink = define({
  name: 'devices.link',
  input: object({ code: pipe(string(), minLength(1), maxLength(2_000)) }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

/** The tap on the device that is in, after the emoji were compared. `withRoot` hands over the root key too, so that the new device can do all of this itself. */
export const devicesConfirm = define({
  name: 'devices.confirm',
  input: object({ request: bytes32Id, accept: boolean(), withRoot: optional(boolean(), false) }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

/** Gives up a device of one's own for good: lost, stolen or sold. What it wrote before stays. */
export const devicesRevoke = define({
  name: 'devices.revoke',
  input: object({ device: bytes32Id }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});

/** The twelve words (BIP 39, English list) and the text of their QR code. Noted as shown. */
export const devicesCard = define({
  name: 'devices.card',
  input: object({}),
  output: object({ words: array(string()), qr: string() }),
  policy: 'self',
  idempotent: false,
});

/** Whether the words at these positions (from 0) are right; noted as tested when they are. */
export const devicesTestCard = define({
  name: 'devices.testCard',
  input: object({ words: array(object({ position: count, word: string() })) }),
  output: object({ isRight: boolean() }),
  policy: 'self',
  idempotent: false,
});

/** On a fresh device: the card's words (or its QR text). The device becomes a new device of that person; it then joins by an invite of any neighbour. */
export const devicesRestore = define({
  name: 'devices.restore',
  input: object({ words: pipe(string(), maxLength(400)), name: personName }),
  output: object({ person: bytes32Id }),
  policy: 'self',
  idempotent: false,
});

/** One's data as a file: log, documents and settings; keys only under a passphrase (12 characters or more) or a passkey's secret. */
export const devicesExport = define({
  name: 'devices.export',
  input: object({ passphrase: optional(string()), passkeySecret: optional(instance(Uint8Array)) }),
  output: object({ file: instance(Uint8Array), name: string() }),
  policy: 'self',
  idempotent: false,
  timeoutMs: 120_000,
});

/** Reads such a file. `keys`: it holds sealed keys, and a passphrase or passkey is needed to take them (on a fresh device only). */
export const devicesImport = define({
  name: 'devices.import',
  input: object({
    file: instance(Uint8Array),
    passphrase: optional(string()),
    passkeySecret: optional(instance(Uint8Array)),
  }),
  output: object({ events: count, refused: count, tookKeys: boolean() }),
  policy: 'self',
  idempotent: false,
  timeoutMs: 120_000,
});

const bytesUpTo = (most: number) => pipe(instance(Uint8Array), maxLength(most, 'too long'));

/**
 * For neighbours: a device that had to give up its old key asks to be written down under its new one. All of it is proven by
 * its person's root key; the handler knows who calls by the link alone.
 */
export const devicesAdopt = define({
  name: 'devices.adopt',
  input: object({ certificate: bytesUpTo(300), statement: bytesUpTo(limits.intentBytesMax), signature: bytesUpTo(64) }),
  output: object({}),
  policy: 'open',
  maxConcurrent: 4,
});

/** The words that say yes to erasing, in the languages of the screens. */
export const eraseWords: readonly string[] = ['erase', 'löschen'];

/** Erases everything this device holds: keys, log, library. The page starts anew afterwards. `confirm` must be the word shown. */
export const devicesErase = define({
  name: 'devices.erase',
  input: object({ confirm: string() }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});
