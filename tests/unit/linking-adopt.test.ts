import { describe, expect, it } from 'vitest';
import { certifyDevice, openRootEntropy, sealRootEntropy } from '../../src/lib/crypto/certificate-request.ts';
import {
  certificateBody,
  certificateLifeSeconds,
  issueCertificate,
  signCertificateHalf,
  type Certificate,
} from '../../src/lib/crypto/certificate.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { createActs } from '../../src/lib/log/acts.ts';
import { encodeStatement, statementMessage } from '../../src/lib/log/intent.ts';
import { cutsOf } from '../../src/lib/log/cuts.ts';
import { createAdoption } from '../../src/lib/node/linking-adopt.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf, makePerson, makeStreet, platformCrypto, type Person } from './street-fixture.ts';

const errorOf = (read: { ok: boolean; error?: unknown }) => (read.ok ? 'signed' : read.error);

describe('what a device asks for when it is linked', () => {
  const setting = async () => {
    const [anna, phone] = [await makePerson('anna'), await makePerson('phone')];
    const root = { sign: anna.rootSign, entropy: async () => new Uint8Array(16) };
    const fields = { ...phone.certificate, root: anna.certificate.root };
    const certify = async (change: Partial<Certificate>, signer: Person = phone, now = fields.created) => {
      const body = certificateBody({ ...fields, ...change });
      const signature = await signCertificateHalf('device', body, signer.keys.signing.sign);
      const deps = { crypto: platformCrypto, root, rootPublicKey: anna.certificate.root };
      return errorOf(await certifyDevice(deps, { body, signature }, phone.certificate, now));
    };
    return { anna, phone, fields, certify, root };
  };

  it('is signed when it names the root and the very keys that Hello has proven', async () => {
    const { certify } = await setting();
    expect(await certify({})).toBe('signed');
  });

  it('is refused with the root of somebody else, another device, another agreement key, or a time that is over', async () => {
    const { certify, fields } = await setting();
    const mallory = await makePerson('mallory');
    expect(await certify({ root: mallory.certificate.root })).toBe('certify-root');
    expect(await certify({ device: mallory.certificate.device })).toBe('certify-device');
    expect(await certify({ agreement: mallory.certificate.agreement })).toBe('certify-agreement');
    expect(await certify({}, undefined, fields.expires)).toBe('certify-expired');
    expect(await certify({ expires: fields.created + certificateLifeSeconds + 1 })).toBe('certify-malformed');
  });

  it('is refused when the device itself has not signed it', async () => {
    const { certify } = await setting();
    expect(await certify({}, await makePerson('mallory'))).toBe('certify-signature');
  });

  it('the root entropy opens for that device in that handshake only', async () => {
    const { phone } = await setting();
    const entropy = hashOf('entropy').slice(0, 16);
    const sealed = await sealRootEntropy(platformCrypto, entropy, phone.keys.agreement.publicKey, hashOf('hello'));
    if (!sealed) throw new Error('not sealed');
    expect(await openRootEntropy(platformCrypto, phone.keys.agreement, sealed, hashOf('hello'))).toEqual(entropy);
    expect(await openRootEntropy(platformCrypto, phone.keys.agreement, sealed, hashOf('other'))).toBeNull();
    const mallory = await makePerson('mallory');
    expect(await openRootEntropy(platformCrypto, mallory.keys.agreement, sealed, hashOf('hello'))).toBeNull();
  });
});

/** A further device of a person, certified by their root. */
const newDeviceOf = async (owner: Person, name: string) => {
  const { keys } = await makePerson(name);
  const own = { device: keys.signing.publicKey, agreement: keys.agreement.publicKey };
  return issueCertificate({ ...owner.certificate, ...own }, { root: owner.rootSign, device: keys.signing.sign });
};

describe('a device that comes back with a new key', () => {
  const setting = async () => {
    const street = await makeStreet('anna', 'bora', 'chen');
    const [, bora, chen] = street.people;
    if (!bora || !chen) throw new Error('nobody there');
    const { here, log } = street.founder;
    const random = seededRandom('adoption');
    const acts = createActs({ crypto: platformCrypto, random, device: street.founderPerson.keys });
    let isMember = true;
    const adoption = createAdoption({
      crypto: platformCrypto,
      clock: street.clock,
      holder: { current: () => here },
      acts: () => acts,
      isMember: () => isMember,
    });
    const statementOf = async (person: Person, device: Bytes = person.certificate.device, signer = person.rootSign) => {
      const statement = encodeStatement(log.community, device, cutsOf(log, [person.device]));
      return { statement, signature: await signer(statementMessage(statement)) };
    };
    const adopt = (caller: Certificate, said: { statement: Bytes; signature: Bytes }, certificate = caller) =>
      adoption.adopt(textOf(caller.device), { certificate: certificate.bytes, ...said });
    return { ...street, bora, chen, here, log, acts, statementOf, adopt, leave: () => (isMember = false) };
  };
  const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

  it('is written down, and its old key given up, on the word of its root; asking again changes nothing', async () => {
    const { bora, here, log, statementOf, adopt } = await setting();
    const fresh = await newDeviceOf(bora, 'bora again');
    const said = await statementOf(bora);
    expect(await adopt(fresh, said)).toBeNull();
    expect(here.membership().roleOf(textOf(fresh.device))).toBe('member');
    expect(here.membership().roleOf(bora.device)).toBeNull();
    const size = log.size;
    expect(await adopt(fresh, said)).toBeNull();
    expect(log.size).toBe(size);
  });

  it("is refused when its certificate is another device's: a neighbour cannot bring in somebody else's key", async () => {
    const { bora, chen, statementOf, adopt } = await setting();
    const fresh = await newDeviceOf(bora, 'bora again');
    expect(await adopt(chen.certificate, await statementOf(bora), fresh)).toBe('certificate-of-another');
  });

  it('is refused when its root is nobody of the neighbourhood', async () => {
    const { statementOf, adopt } = await setting();
    const mallory = await makePerson('mallory');
    expect(await adopt(mallory.certificate, await statementOf(mallory))).toBe('root-not-member');
  });

  it('is refused when its person was removed', async () => {
    const { bora, acts, here, statementOf } = await setting();
    const fresh = await newDeviceOf(bora, 'bora again');
    const said = await statementOf(bora);
    const removed = new Map([...here.membership().members].filter(([person]) => person !== bora.person));
    const without = { ...here, membership: () => ({ ...here.membership(), members: removed }) };
    const adoption = createAdoption({
      crypto: platformCrypto,
      clock: { now: () => 0, after: () => () => {} },
      holder: { current: () => without },
      acts: () => acts,
      isMember: () => true,
    });
    expect(await adoption.adopt(textOf(fresh.device), { certificate: fresh.bytes, ...said })).toBe('root-not-member');
  });

  it('is refused when the farewell is not signed by its root, or gives up the device of somebody else, or its own new key', async () => {
    const { bora, chen, statementOf, adopt } = await setting();
    const fresh = await newDeviceOf(bora, 'bora again');
    expect(await adopt(fresh, await statementOf(bora, undefined, chen.rootSign))).toBe('statement-signature');
    expect(await adopt(fresh, await statementOf(bora, chen.certificate.device))).toBe('statement-of-another');
    expect(await adopt(fresh, await statementOf(bora, fresh.device))).toBe('statement-of-another');
    const { signature } = await statementOf(bora);
    expect(await adopt(fresh, { statement: new Uint8Array(40), signature })).toBe('statement-malformed');
  });

  it('with a key that was given up before is refused', async () => {
    const { bora, acts, here, statementOf, adopt } = await setting();
    const lost = await newDeviceOf(bora, 'lost phone');
    expect((await acts.addDevice(here, lost)).ok).toBe(true);
    expect((await acts.revokeDevice(here, { device: lost.device, rootSign: bora.rootSign })).ok).toBe(true);
    expect(await adopt(lost, await statementOf(bora))).toBe('device-revoked');
  });

  it('is let in a few times an hour and no more', async () => {
    const { bora, clock, statementOf, adopt } = await setting();
    const said = await statementOf(bora);
    for (let round = 0; round < limits.adoptionsPerHourMax; round++)
      expect(await adopt(await newDeviceOf(bora, `bora ${round}`), said)).toBeNull();
    const next = await newDeviceOf(bora, 'bora once more');
    expect(await adopt(next, said)).toBe('rate-limited');
    clock.advance(3_600_001);
    expect(await adopt(next, said)).toBeNull();
  });

  it('is not let in by a device that is out itself', async () => {
    const { bora, statementOf, adopt, leave } = await setting();
    leave();
    expect(await adopt(await newDeviceOf(bora, 'bora again'), await statementOf(bora))).toBe('not-a-member');
  });
});
