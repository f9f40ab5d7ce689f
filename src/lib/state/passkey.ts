import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** not-offered: this browser or its passkey cannot yield a secret; given-up: the person closed the browser's window, or it took too long. */
export type PasskeyRefusal = 'not-offered' | 'given-up';
/** 32 bytes that only this passkey gives, and always the same ones. */
export type PasskeySecret = Result<Uint8Array<ArrayBuffer>, PasskeyRefusal>;

/** What of the browser is used; tests give their own. */
export type PasskeyPlatform = {
  readonly credentials: Pick<CredentialsContainer, 'create' | 'get'> | undefined;
  /** The class PublicKeyCredential where the browser has it. */
  readonly kind: { getClientCapabilities?: () => Promise<Record<string, boolean>> } | undefined;
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  readonly random: (length: number) => Uint8Array<ArrayBuffer>;
};

const storageKey = 'hearthnet.passkey';
const secretBytes = 32;
/** What the secret is for. Another purpose would get another salt, and so another secret from the same passkey. */
const salt = new TextEncoder().encode('HearthNet, keys of the data file, 1');

/** True when this browser says that it has passkeys which yield secrets (WebAuthn's PRF extension). Where it does not say, the choice is not shown. */
export const isPasskeyOffered = async (platform: PasskeyPlatform = pagePlatform()): Promise<boolean> => {
  if (!platform.credentials || !platform.kind?.getClientCapabilities) return false;
  try {
    const capabilities = await platform.kind.getClientCapabilities();
    return capabilities['extension:prf'] === true;
  } catch {
    return false;
  }
};

/** For sealing: asks the passkey made here before, or makes one under this name. */
export const sealWithPasskey = async (
  name: string,
  platform: PasskeyPlatform = pagePlatform(),
): Promise<PasskeySecret> => {
  const known = platform.storage.getItem(storageKey);
  const id = known === null ? null : textToBytes(known);
  if (id) {
    const secret = await ask(platform, [id]);
    // A passkey that was deleted in the meantime answers nothing, and looks like a window that was closed: make another.
    if (secret.ok) return secret;
  }
  return make(name, platform);
};

/** For opening: the person chooses among the passkeys that this site has on this device. */
export const openWithPasskey = (platform: PasskeyPlatform = pagePlatform()): Promise<PasskeySecret> =>
  ask(platform, []);

const make = async (name: string, platform: PasskeyPlatform): Promise<PasskeySecret> => {
  const made = await attempt(() =>
    platform.credentials?.create({
      publicKey: {
        challenge: platform.random(32),
        rp: { name: 'HearthNet' },
        // Random, so that a new passkey never takes the place of one that an older file was sealed with.
        user: { id: platform.random(16), name, displayName: name },
        pubKeyCredParams: [
          { type: 'public-key', alg: -7 },
          { type: 'public-key', alg: -257 },
        ],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  );
  if (!made.ok) return made;
  const { prf } = made.value.getClientExtensionResults();
  if (prf?.enabled !== true) return err('not-offered');
  const id = new Uint8Array(made.value.rawId);
  platform.storage.setItem(storageKey, bytesToText(id));
  // Some authenticators give the secret with the making, others only when they are asked afterwards.
  return prf.results ? toSecret(prf.results.first) : ask(platform, [id]);
};

const ask = async (platform: PasskeyPlatform, ids: readonly Uint8Array<ArrayBuffer>[]): Promise<PasskeySecret> => {
  const answered = await attempt(() =>
    platform.credentials?.get({
      publicKey: {
        challenge: platform.random(32),
        allowCredentials: ids.map((id) => ({ type: 'public-key', id })),
        userVerification: 'required',
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  );
  if (!answered.ok) return answered;
  const first = answered.value.getClientExtensionResults().prf?.results?.first;
  return first ? toSecret(first) : err('not-offered');
};

/** The browser throws for every way in which nothing came of it; a person who closed the window needs no other words than one who waited too long. */
const attempt = async (
  work: () => Promise<Credential | null> | undefined,
): Promise<Result<PublicKeyCredential, PasskeyRefusal>> => {
  try {
    const credential = await work();
    return isPublicKey(credential) ? ok(credential) : err('not-offered');
  } catch (cause) {
    return err(cause instanceof DOMException && cause.name === 'NotSupportedError' ? 'not-offered' : 'given-up');
  }
};

const isPublicKey = (credential: Credential | null | undefined): credential is PublicKeyCredential =>
  !!credential && 'rawId' in credential;

const toSecret = (bytes: BufferSource): PasskeySecret => {
  const view = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
  return view.length === secretBytes ? ok(Uint8Array.from(view)) : err('not-offered');
};

const pagePlatform = (): PasskeyPlatform => ({
  credentials: navigator.credentials,
  kind: (globalThis as { PublicKeyCredential?: PasskeyPlatform['kind'] }).PublicKeyCredential,
  storage: localStorage,
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
});
