import { certificateLifeSeconds, issueCertificate, type Certificate } from '../../src/lib/crypto/certificate.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { Bytes, DeviceKeys } from '../../src/lib/kernel/ports/crypto.ts';
import { createSeededKeyring } from './node-crypto.ts';

/** One device of a person. Several devices of one person share the root. */
export type Actor = {
  readonly name: string;
  readonly keys: DeviceKeys;
  readonly certificate: Certificate;
  readonly device: string;
  readonly person: string;
  readonly rootSign: (message: Uint8Array) => Promise<Bytes>;
};

const actors = new Map<string, Promise<Actor>>();

/** The same device every time. `of` makes it a further device of that person. */
export const actor = (name: string, of: string = name): Promise<Actor> => {
  const known = actors.get(`${name}/${of}`) ?? makeActor(name, of);
  actors.set(`${name}/${of}`, known);
  return known;
};
const makeActor = async (name: string, of: string): Promise<Actor> => {
  const { device: keys } = await createSeededKeyring(new TextEncoder().encode(name)).open();
  const { rootPublicKey, rootSign } = await createSeededKeyring(new TextEncoder().encode(of)).open();
  const fields = { root: rootPublicKey, device: keys.signing.publicKey, agreement: keys.agreement.publicKey };
  const certificate = await issueCertificate(
    { ...fields, created: 0, expires: certificateLifeSeconds },
    { root: rootSign, device: keys.signing.sign },
  );
  const [device, person] = [bytesToText(keys.signing.publicKey), bytesToText(rootPublicKey)];
  return { name, keys, certificate, device, person, rootSign };
};
