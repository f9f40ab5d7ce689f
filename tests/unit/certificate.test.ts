import { describe, expect, it } from 'vitest';
import { certificateLifeSeconds, issueCertificate, verifyCertificate } from '../../src/lib/crypto/certificate.ts';
import { decodeCbor, encodeCbor, isCborList, type Cbor } from '../../src/lib/kernel/codec.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { smallOrderKeys, torsionKeys } from '../contracts/crypto-contract.ts';
import { makePerson, platformCrypto, type Person } from './street-fixture.ts';

const signers = ({ rootSign, keys }: Person) => ({ root: rootSign, device: keys.signing.sign });

describe('the certificate of a device', () => {
  it("carries the person's root, the device's two keys and its life, and verifies from its bytes alone", async () => {
    const { certificate } = await makePerson('anna');
    expect(unwrap(await verifyCertificate(platformCrypto, certificate.bytes))).toEqual(certificate);
    expect(certificate.expires - certificate.created).toBe(certificateLifeSeconds);
  });

  it('is refused when anybody but the root has signed it, and when any byte of it was changed', async () => {
    const [anna, mallory] = [await makePerson('anna'), await makePerson('mallory')];
    const claimed = await issueCertificate(anna.certificate, {
      root: mallory.rootSign,
      device: anna.keys.signing.sign,
    });
    expect(await verifyCertificate(platformCrypto, claimed.bytes)).toEqual({
      ok: false,
      error: 'certificate-signature',
    });
    let accepted = 0;
    for (let at = 0; at < anna.certificate.bytes.length; at++) {
      const changed = anna.certificate.bytes.map((byte, index) => (index === at ? byte ^ 0x10 : byte));
      if ((await verifyCertificate(platformCrypto, changed)).ok) accepted += 1;
      if ((await verifyCertificate(platformCrypto, anna.certificate.bytes.subarray(0, at))).ok) accepted += 1;
    }
    expect(accepted).toBe(0);
  });

  it("is refused when the device has not signed it: mallory cannot claim bora's device as hers", async () => {
    const [bora, mallory] = [await makePerson('bora'), await makePerson('mallory')];
    const claimed = await issueCertificate(
      { ...bora.certificate, root: mallory.certificate.root, agreement: mallory.certificate.agreement },
      signers(mallory),
    );
    expect(await verifyCertificate(platformCrypto, claimed.bytes)).toEqual({
      ok: false,
      error: 'certificate-device-signature',
    });
  });

  it('is refused for keys that engines disagree about, although its root has signed it', async () => {
    const anna = await makePerson('anna');
    for (const device of [smallOrderKeys[0], smallOrderKeys[3], torsionKeys[0]]) {
      const odd = await issueCertificate({ ...anna.certificate, device: device ?? new Uint8Array(0) }, signers(anna));
      expect(await verifyCertificate(platformCrypto, odd.bytes)).toEqual({
        ok: false,
        error: 'certificate-key-unsound',
      });
    }
    const oddRoot = await issueCertificate(
      { ...anna.certificate, root: smallOrderKeys[1] ?? new Uint8Array(0) },
      signers(anna),
    );
    expect(await verifyCertificate(platformCrypto, oddRoot.bytes)).toEqual({
      ok: false,
      error: 'certificate-key-unsound',
    });
  });

  it('lives at most 400 days and ends after it began', async () => {
    const anna = await makePerson('anna');
    for (const [created, expires] of [
      [10, 10 + certificateLifeSeconds + 1],
      [10, 10],
      [10, 5],
    ] as const) {
      const odd = await issueCertificate({ ...anna.certificate, created, expires }, signers(anna));
      expect(await verifyCertificate(platformCrypto, odd.bytes)).toEqual({ ok: false, error: 'certificate-malformed' });
    }
  });

  it('has exactly its six fields', async () => {
    const { certificate } = await makePerson('anna');
    const outer = unwrap(decodeCbor(certificate.bytes));
    const [body, ...signatures] = isCborList(outer) ? outer : [];
    const inner = body instanceof Uint8Array ? unwrap(decodeCbor(body)) : null;
    const fields: readonly Cbor[] = isCborList(inner) ? inner : [];
    expect(fields).toHaveLength(6);
    const variants: Cbor[][] = [
      [...fields, 0],
      fields.slice(0, 5),
      [2, ...fields.slice(1)],
      [1, new Uint8Array(31), ...fields.slice(2)],
      [1, ...fields.slice(1, 4), -1, 5],
    ];
    for (const variant of variants)
      expect(await verifyCertificate(platformCrypto, encodeCbor([encodeCbor(variant), ...signatures]))).toEqual({
        ok: false,
        error: 'certificate-malformed',
      });
    expect(await verifyCertificate(platformCrypto, encodeCbor([body ?? null, ...signatures, 0]))).toEqual({
      ok: false,
      error: 'certificate-malformed',
    });
    expect(await verifyCertificate(platformCrypto, new Uint8Array(301))).toEqual({
      ok: false,
      error: 'certificate-malformed',
    });
  });
});
