import {
  devicesAdopt,
  devicesCard,
  devicesConfirm,
  devicesErase,
  devicesExport,
  devicesImport,
  devicesLink,
  devicesLinkCode,
  devicesList,
  devicesRestore,
  devicesRevoke,
  devicesTestCard,
  eraseWords,
  type Devices,
} from '../contracts/devices.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { watch } from '../kernel/watch.ts';

/** What opens, or closes, the keys in a file. */
export type FileKey =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'passkey'; readonly secret: Uint8Array };

/** The acts on one's own devices, as the composition root makes them; a refusal is a reason in plain letters. */
export type DeviceActs = {
  makeCode(): Promise<{ readonly code: string; readonly expiresAt: number } | { readonly refused: string }>;
  link(code: string): Promise<{ readonly community: string } | { readonly refused: string }>;
  confirm(request: string, accept: boolean, withRoot: boolean): Promise<string | null>;
  revoke(device: string): Promise<string | null>;
  card(): Promise<Result<{ readonly words: readonly string[]; readonly qr: string }, string>>;
  testCard(words: readonly { readonly position: number; readonly word: string }[]): Promise<Result<boolean, string>>;
  restore(words: string, name: string): Promise<Result<string, string>>;
  exportFile(
    key: FileKey | null,
  ): Promise<Result<{ readonly file: Uint8Array<ArrayBuffer>; readonly name: string }, string>>;
  importFile(
    file: Uint8Array,
    key: FileKey | null,
  ): Promise<Result<{ readonly events: number; readonly refused: number; readonly tookKeys: boolean }, string>>;
  erase(): Promise<string | null>;
  /** For a neighbour's device; `caller` is whom the link has proven. */
  adopt(
    caller: string,
    request: { readonly certificate: Uint8Array; readonly statement: Uint8Array; readonly signature: Uint8Array },
  ): Promise<string | null>;
};

export type DevicesDeps = {
  readonly bus: Bus;
  readonly acts: DeviceActs;
  readonly list: () => Devices;
  readonly onChange: (listener: () => void) => () => void;
};

/** A person's devices: linking, saving and giving them up, and one's data as a file. */
export const createDevices = ({ bus, acts, list, onChange }: DevicesDeps): Startable => {
  const stops = createStops();
  const done = (refused: string | null) => (refused === null ? ok({}) : err(refusal(refused)));

  const registerOwn = (): void => {
    stops.add(
      bus.register(devicesList, async function* (_input, { signal }) {
        return ok(yield* watch(list, onChange, signal));
      }),
    );
    stops.add(
      bus.register(devicesLinkCode, async () => {
        const made = await acts.makeCode();
        return 'refused' in made ? err(refusal(made.refused)) : ok(made);
      }),
    );
    stops.add(
      bus.register(devicesLink, async ({ code }) => {
        const begun = await acts.link(code);
        return 'refused' in begun ? err(refusal(begun.refused)) : ok({});
      }),
    );
    stops.add(
      bus.register(devicesConfirm, async ({ request, accept, withRoot }) =>
        done(await acts.confirm(request, accept, withRoot)),
      ),
    );
    stops.add(bus.register(devicesRevoke, async ({ device }) => done(await acts.revoke(device))));
    stops.add(
      bus.register(devicesAdopt, async (request, { caller }) =>
        done(caller.kind === 'device' ? await acts.adopt(caller.device, request) : 'not-a-neighbour'),
      ),
    );
  };

  const registerSaving = (): void => {
    stops.add(
      bus.register(devicesCard, async () => {
        const card = await acts.card();
        return card.ok ? ok({ words: [...card.value.words], qr: card.value.qr }) : err(refusal(card.error));
      }),
    );
    stops.add(
      bus.register(devicesTestCard, async ({ words }) => {
        const tested = await acts.testCard(words);
        return tested.ok ? ok({ isRight: tested.value }) : err(refusal(tested.error));
      }),
    );
    stops.add(
      bus.register(devicesRestore, async ({ words, name }) => {
        const person = await acts.restore(words, name);
        return person.ok ? ok({ person: person.value }) : err(refusal(person.error));
      }),
    );
    stops.add(
      bus.register(devicesExport, async (keys) => {
        const made = await acts.exportFile(fileKeyOf(keys));
        return made.ok ? ok({ ...made.value }) : err(refusal(made.error));
      }),
    );
    stops.add(
      bus.register(devicesImport, async ({ file, ...keys }) => {
        const read = await acts.importFile(file, fileKeyOf(keys));
        return read.ok ? ok({ ...read.value }) : err(refusal(read.error));
      }),
    );
    stops.add(
      bus.register(devicesErase, async ({ confirm }) => {
        const isMeant = eraseWords.includes(confirm.trim().toLowerCase().normalize('NFC'));
        return isMeant ? done(await acts.erase()) : err(failure('bad_request', 'erase-word'));
      }),
    );
  };

  return {
    start: () => {
      registerOwn();
      registerSaving();
    },
    stop: stops.run,
  };
};

type FileKeyInput = { passphrase?: string | undefined; passkeySecret?: Uint8Array | undefined };
const fileKeyOf = ({ passphrase, passkeySecret }: FileKeyInput): FileKey | null => {
  if (passkeySecret) return { kind: 'passkey', secret: passkeySecret };
  return passphrase === undefined ? null : { kind: 'passphrase', passphrase };
};

const refusal = (reason: string): Failure => {
  const code = codeByReason[reason];
  if (code) return failure(code, reason);
  return reason === 'rate-limited' ? failure('rate_limited', reason, 3_600_000) : failure('bad_request', reason);
};

const codeByReason: Readonly<Record<string, Failure['code']>> = {
  'quota-full': 'quota_full',
  fenced: 'unavailable',
  closed: 'unavailable',
  changing: 'unavailable',
  damaged: 'unavailable',
  retired: 'unavailable',
  'not-loaded': 'unavailable',
  'no-community-key': 'unavailable',
  'invite-expired': 'expired',
  'not-waiting': 'not_found',
  'device-unknown': 'not_found',
  'already-member': 'forbidden',
  'not-a-member': 'forbidden',
  'not-a-neighbour': 'forbidden',
  'no-root': 'forbidden',
  'this-device': 'forbidden',
  'root-not-member': 'forbidden',
  'certificate-of-another': 'forbidden',
  'statement-of-another': 'forbidden',
  'statement-signature': 'forbidden',
  'device-revoked': 'revoked',
  'export-too-large': 'too_large',
};
