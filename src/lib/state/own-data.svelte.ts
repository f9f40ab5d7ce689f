import { devicesExport, devicesImport } from '../contracts/devices.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { limits } from '../kernel/limits.ts';
import { createActs } from './acts.svelte.ts';
import {
  isPasskeyOffered,
  openWithPasskey,
  sealWithPasskey,
  type PasskeyRefusal,
  type PasskeySecret,
} from './passkey.ts';

/** none: without keys; passphrase, passkey: the keys are in the file, sealed by it. */
export type KeySeal = 'none' | 'passphrase' | 'passkey';
/** short: not taken; guessable: taken, but a machine may find it; fair; strong. */
export type Strength = 'short' | 'guessable' | 'fair' | 'strong';
export const passphraseCharsMin = limits.passphraseCharsMin;

/** What came of reading a file. */
export type Imported = { readonly events: number; readonly refused: number; readonly tookKeys: boolean };

/** How hard a passphrase is to guess, in a word: by its length, its different signs and its words. An estimate, no proof. */
export const strengthOf = (passphrase: string): Strength => {
  const signs = [...passphrase];
  if (signs.length < passphraseCharsMin) return 'short';
  const different = new Set(signs).size;
  if (different < 6 || /^\d+$/.test(passphrase)) return 'guessable';
  const words = passphrase.trim().split(/\s+/u).length;
  if (signs.length >= 20 && different >= 10 && (words >= 4 || signs.length >= 24)) return 'strong';
  return signs.length >= 16 && different >= 8 ? 'fair' : 'guessable';
};

/** The passkey acts; tests give their own. */
export type Passkeys = {
  readonly isOffered: () => Promise<boolean>;
  readonly seal: (name: string) => Promise<PasskeySecret>;
  readonly open: () => Promise<PasskeySecret>;
};
const pagePasskeys: Passkeys = {
  isOffered: () => isPasskeyOffered(),
  seal: (name) => sealWithPasskey(name),
  open: () => openWithPasskey(),
};

/** Gives a file to the browser's downloads. */
const saveToDownloads = (file: Uint8Array<ArrayBuffer>, name: string): void => {
  const url = URL.createObjectURL(new Blob([file], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the bytes by the next turn of its clock; some take them a little later than the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

type Parts = {
  readonly bus: BusClient;
  readonly passkeys?: Passkeys;
  readonly save?: (file: Uint8Array<ArrayBuffer>, name: string) => void;
};

/** Taking one's data along as a file, and reading such a file. */
export const createOwnData = ({ bus, passkeys = pagePasskeys, save = saveToDownloads }: Parts) => {
  const acts = createActs<'export' | 'import'>();
  let isOffered = $state(false);
  let refused = $state.raw<{ readonly act: 'export' | 'import'; readonly reason: PasskeyRefusal } | null>(null);
  let saved = $state<{ readonly name: string; readonly bytes: number } | null>(null);
  let imported = $state.raw<Imported | null>(null);

  /** null when the passkey said no; then nothing else is done. */
  const secretOf = async (
    act: 'export' | 'import',
    asked: Promise<PasskeySecret>,
  ): Promise<Uint8Array<ArrayBuffer> | null> => {
    const secret = await asked;
    refused = secret.ok ? null : { act, reason: secret.error };
    return secret.ok ? secret.value : null;
  };

  return {
    /** True where this browser has passkeys that can seal; known after `look`. */
    get isPasskeyOffered() {
      return isOffered;
    },
    /** Why the passkey gave nothing, for the act that asked it. */
    passkeyRefusalOf: (act: 'export' | 'import'): PasskeyRefusal | null =>
      refused?.act === act ? refused.reason : null,
    /** The file that was handed to the downloads last. */
    get saved() {
      return saved;
    },
    get imported() {
      return imported;
    },
    get busy() {
      return acts.busy;
    },
    failureOf: acts.failureOf,
    look: async (): Promise<void> => {
      isOffered = await passkeys.isOffered();
    },
    takeAlong: async (seal: KeySeal, passphrase: string, passkeyName: string): Promise<void> => {
      saved = null;
      refused = null;
      const passkeySecret = seal === 'passkey' ? await secretOf('export', passkeys.seal(passkeyName)) : null;
      if (seal === 'passkey' && !passkeySecret) return;
      const answer = await acts.run('export', () =>
        bus.call(devicesExport, {
          ...(seal === 'passphrase' && { passphrase }),
          ...(passkeySecret && { passkeySecret }),
        }),
      );
      if (!answer) return;
      save(Uint8Array.from(answer.file), answer.name);
      saved = { name: answer.name, bytes: answer.file.length };
    },
    read: async (file: File, seal: KeySeal, passphrase: string): Promise<void> => {
      imported = null;
      refused = null;
      const passkeySecret = seal === 'passkey' ? await secretOf('import', passkeys.open()) : null;
      if (seal === 'passkey' && !passkeySecret) return;
      const bytes = new Uint8Array(await file.arrayBuffer());
      imported = await acts.run('import', () =>
        bus.call(devicesImport, {
          file: bytes,
          ...(seal === 'passphrase' && { passphrase }),
          ...(passkeySecret && { passkeySecret }),
        }),
      );
    },
  };
};
export type OwnData = ReturnType<typeof createOwnData>;
