import { describe, expect, it } from 'vitest';
import {
  isPasskeyOffered,
  openWithPasskey,
  sealWithPasskey,
  type PasskeyPlatform,
} from '../../../src/lib/state/passkey.ts';

const secret = new Uint8Array(32).fill(5);
const rawId = new Uint8Array([1, 2, 3]).buffer;

type Wish = { readonly prf: boolean; readonly givesAtMaking: boolean; readonly closes?: boolean };

/** A browser with a passkey, as far as the app uses it. It notes which passkeys it was asked for. */
const browser = ({ prf, givesAtMaking, closes = false }: Wish) => {
  const texts = new Map<string, string>();
  const made: { user: Uint8Array }[] = [];
  const askedFor: number[] = [];
  const results = prf ? { results: { first: secret.slice().buffer } } : {};
  const platform = {
    credentials: {
      create: async ({ publicKey }: { publicKey: { user: { id: Uint8Array } } }) => {
        if (closes) throw new DOMException('closed', 'NotAllowedError');
        made.push({ user: publicKey.user.id });
        const output = { prf: { enabled: prf, ...(givesAtMaking ? results : {}) } };
        return { rawId, getClientExtensionResults: () => output };
      },
      get: async ({ publicKey }: { publicKey: { allowCredentials: unknown[] } }) => {
        if (closes) throw new DOMException('closed', 'NotAllowedError');
        askedFor.push(publicKey.allowCredentials.length);
        return { rawId, getClientExtensionResults: () => ({ prf: results }) };
      },
    },
    kind: { getClientCapabilities: async () => ({ 'extension:prf': prf }) },
    storage: {
      getItem: (key: string) => texts.get(key) ?? null,
      setItem: (key: string, text: string) => void texts.set(key, text),
    },
    random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  } as unknown as PasskeyPlatform;
  return { platform, made, askedFor };
};

describe('a passkey', () => {
  it('is offered only where the browser says that it can yield a secret', async () => {
    const { platform } = browser({ prf: true, givesAtMaking: true });
    expect(await isPasskeyOffered(platform)).toBe(true);
    expect(await isPasskeyOffered({ ...platform, kind: undefined })).toBe(false);
    expect(await isPasskeyOffered({ ...platform, kind: {} })).toBe(false);
    expect(await isPasskeyOffered({ ...platform, credentials: undefined })).toBe(false);
    expect(await isPasskeyOffered(browser({ prf: false, givesAtMaking: true }).platform)).toBe(false);
  });

  it('is made once and asked the next time, so that anna has one and not many', async () => {
    const { platform, made, askedFor } = browser({ prf: true, givesAtMaking: true });
    expect(await sealWithPasskey('Anna', platform)).toEqual({ ok: true, value: secret });
    expect(await sealWithPasskey('Anna', platform)).toEqual({ ok: true, value: secret });
    expect([made.length, askedFor]).toEqual([1, [1]]);
  });

  it('is asked right after the making where it gives nothing before', async () => {
    const { platform, askedFor } = browser({ prf: true, givesAtMaking: false });
    expect(await sealWithPasskey('Anna', platform)).toEqual({ ok: true, value: secret });
    expect(askedFor).toEqual([1]);
  });

  it('never takes the place of an older one: each is made under a name of its own', async () => {
    const first = browser({ prf: true, givesAtMaking: true });
    const second = browser({ prf: true, givesAtMaking: true });
    await sealWithPasskey('Anna', first.platform);
    await sealWithPasskey('Anna', second.platform);
    expect(first.made[0]?.user).not.toEqual(second.made[0]?.user);
  });

  it('opens with any that anna chooses', async () => {
    const { platform, askedFor } = browser({ prf: true, givesAtMaking: true });
    expect(await openWithPasskey(platform)).toEqual({ ok: true, value: secret });
    expect(askedFor).toEqual([0]);
  });

  it('that yields no secret, or a window that anna closed, is told apart and gives nothing', async () => {
    expect(await sealWithPasskey('Anna', browser({ prf: false, givesAtMaking: true }).platform)).toEqual({
      ok: false,
      error: 'not-offered',
    });
    const closed = browser({ prf: true, givesAtMaking: true, closes: true }).platform;
    expect(await sealWithPasskey('Anna', closed)).toEqual({ ok: false, error: 'given-up' });
    expect(await openWithPasskey(closed)).toEqual({ ok: false, error: 'given-up' });
  });
});
