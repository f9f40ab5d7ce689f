import { describe, expect, it } from 'vitest';
import { verifyCertificate } from '../../src/lib/crypto/certificate.ts';
import { createWebcryptoKeyring } from '../../src/lib/crypto/webcrypto-keyring.ts';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import { openDevice } from '../../src/lib/node/device.ts';
import { createMemoryDisk, createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { createVirtualClock, systemRandom } from '../contracts/transport-world.ts';
import { platformCrypto, todayMs } from './street-fixture.ts';

const keyringOn = (disk = createMemoryDisk()) => {
  const store = createMemoryStore({ disk });
  const keyring = createWebcryptoKeyring({
    store,
    random: systemRandom,
    crypto: platformCrypto,
    subtle: crypto.subtle,
  });
  return { disk, store, keyring };
};

describe('the keyring', () => {
  it('makes keys once and finds the same ones after a restart', async () => {
    const { disk, keyring } = keyringOn();
    const first = await keyring.open();
    const again = await keyringOn(disk).keyring.open();
    expect(again.device.signing.publicKey).toEqual(first.device.signing.publicKey);
    expect(again.device.agreement.publicKey).toEqual(first.device.agreement.publicKey);
    expect(again.rootPublicKey).toEqual(first.rootPublicKey);
    const message = utf8('after the restart');
    expect(
      await platformCrypto.verify(first.device.signing.publicKey, message, await again.device.signing.sign(message)),
    ).toBe(true);
    expect(
      await platformCrypto.verify(
        first.rootPublicKey,
        message,
        (await again.root?.sign(message)) ?? new Uint8Array(64),
      ),
    ).toBe(true);
    expect(await again.device.agreement.derive(first.device.agreement.publicKey)).toHaveLength(32);
  });

  it('keeps no private key in a readable form', async () => {
    const { store, keyring } = keyringOn();
    await keyring.open();
    const stored = await store.get('keys');
    const keys = Object.values(stored as Record<string, unknown>).flatMap((value) => {
      if (value instanceof CryptoKey) return [value];
      return typeof value === 'object' && value !== null && 'privateKey' in value
        ? [value.privateKey as CryptoKey]
        : [];
    });
    expect(keys).toHaveLength(3);
    for (const key of keys) {
      expect(key.extractable).toBe(false);
      await expect(crypto.subtle.exportKey(key.type === 'private' ? 'pkcs8' : 'raw', key)).rejects.toThrow();
    }
  });

  it('gives two devices different keys and does not start where it cannot keep them', async () => {
    const [one, other] = [await keyringOn().keyring.open(), await keyringOn().keyring.open()];
    expect(one.rootPublicKey).not.toEqual(other.rootPublicKey);
    const full = createMemoryStore({ beforeCommit: () => 'quota-full' });
    const keyring = createWebcryptoKeyring({
      store: full,
      random: systemRandom,
      crypto: platformCrypto,
      subtle: crypto.subtle,
    });
    await expect(keyring.open()).rejects.toThrow('quota-full');
  });

  it('certifies its device for its person, and renews the certificate when half of its life is over', async () => {
    const { store, keyring } = keyringOn();
    const clock = createVirtualClock(todayMs);
    const open = () => openDevice({ keyring, store, crypto: platformCrypto, clock });
    const first = await open();
    expect(await verifyCertificate(platformCrypto, first.certificate.bytes)).toMatchObject({ ok: true });
    clock.advance(199 * 24 * 3_600_000);
    expect((await open()).certificate.bytes).toEqual(first.certificate.bytes);
    clock.advance(2 * 24 * 3_600_000);
    expect((await open()).certificate.expires).toBeGreaterThan(first.certificate.expires);
  });
});

describe('a change of identity', () => {
  it('keeps the old keys until it is committed, and then the new ones, with what goes along, in one transaction', async () => {
    const { disk, store, keyring } = keyringOn();
    const before = await keyring.open();
    const entropy = systemRandom.bytes(16);
    const prepared = await keyring.prepare({ root: { entropy }, device: 'new' });
    expect((await keyring.open()).device.signing.publicKey).toEqual(before.device.signing.publicKey);
    expect(await prepared.commit([{ key: 'along', value: 1 }])).toMatchObject({ ok: true });
    expect(await store.get('along')).toBe(1);
    const after = await keyringOn(disk).keyring.open();
    expect(after.device.signing.publicKey).toEqual(prepared.keys.device.signing.publicKey);
    expect(after.device.agreement.publicKey).not.toEqual(before.device.agreement.publicKey);
    expect(await after.root?.entropy()).toEqual(entropy);
  });

  it('loses nothing when the disk is full', async () => {
    let isFull = false;
    const disk = createMemoryDisk();
    const store = createMemoryStore({ disk, beforeCommit: () => (isFull ? 'quota-full' : null) });
    const keyring = createWebcryptoKeyring({
      store,
      random: systemRandom,
      crypto: platformCrypto,
      subtle: crypto.subtle,
    });
    const before = await keyring.open();
    const prepared = await keyring.prepare({ root: 'new', device: 'new' });
    isFull = true;
    expect(await prepared.commit([])).toEqual({ ok: false, error: 'quota-full' });
    expect((await keyring.open()).rootPublicKey).toEqual(before.rootPublicKey);
  });

  it("makes a device of anna's that has no root: it keeps its device key and cannot sign for her", async () => {
    const { disk, keyring } = keyringOn();
    const before = await keyring.open();
    const anna = (await keyringOn().keyring.open()).rootPublicKey;
    await (await keyring.prepare({ root: { publicKey: anna }, device: 'keep' })).commit([]);
    const after = await keyringOn(disk).keyring.open();
    expect(after.rootPublicKey).toEqual(anna);
    expect(after.root).toBeNull();
    expect(after.device.signing.publicKey).toEqual(before.device.signing.publicKey);
    await expect(
      openDevice({
        keyring,
        store: createMemoryStore({ disk }),
        crypto: platformCrypto,
        clock: createVirtualClock(todayMs),
      }),
    ).rejects.toThrow('neither its certificate nor the root key');
  });

  it('makes a new certificate when the person or the device has changed, and never uses the old one', async () => {
    const { store, keyring } = keyringOn();
    const open = () => openDevice({ keyring, store, crypto: platformCrypto, clock: createVirtualClock(todayMs) });
    const first = await open();
    await (await keyring.prepare({ root: 'new', device: 'keep' })).commit([]);
    const second = await open();
    expect(second.person).not.toBe(first.person);
    expect(second.device).toBe(first.device);
    expect(second.certificate.root).toEqual((await keyring.open()).rootPublicKey);
  });
});
