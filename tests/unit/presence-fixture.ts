import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Bytes, CryptoPort, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import type { About } from '../../src/lib/kernel/bus/registry.ts';
import { createPresence } from '../../src/lib/services/presence.ts';
import { createTestBus } from './bus-fixture.ts';
import { createFakeLinks } from './link-fixture.ts';
import { makePerson, platformCrypto } from './street-fixture.ts';

/** One device with presence on a virtual clock; `world` is what the rest of its node would say. `own.thing` is for its screens only. */
export const presenceHouse = async (name: string, crypto: CryptoPort = platformCrypto) => {
  const { bus, clock } = createTestBus();
  const { keys, device } = await makePerson(name);
  const links = createFakeLinks();
  const sent: Bytes[] = [];
  const refused: string[] = [];
  const world: { about: Omit<About, 'loadPercent'>; isGiven: boolean; isSaving: boolean; heardAt: number } = {
    about: { name, profile: 'hearth', battery: 'unknown' },
    isGiven: true,
    isSaving: false,
    heardAt: clock.now(),
  };
  const presence = createPresence({
    bus,
    clock,
    crypto,
    signing: keys.signing,
    links,
    broadcast: (each) => void sent.push(each),
    about: () => world.about,
    isOffered: (capability) => capability !== 'own.thing' && world.isGiven,
    isKnown: (capability) => capability !== 'own.thing',
    lastHeardAt: (id) => (links.of(id) ? world.heardAt : null),
    isSaving: () => world.isSaving,
    onRefused: (reason) => void refused.push(reason),
  });
  await presence.start();
  return { bus, clock, device, keys, links, sent, refused, presence, world };
};

/** A manifest with any body, signed as a device signs. */
export const signedManifest = async (signing: SigningKey, body: Cbor): Promise<Bytes> => {
  const bytes = encodeCbor(body);
  return encodeCbor([bytes, await signing.sign(concatBytes(utf8('HN-PRESENCE1'), bytes))]);
};

export const noHash: Bytes = new Uint8Array(0);
/** The body of a manifest; an attack changes a part of it. */
export const manifestBody = (
  key: Bytes,
  sentAt: number,
  offers: Cbor,
  about: readonly Cbor[] = ['Anna', 'hearth', 'good', 0],
): readonly Cbor[] => [2, key, sentAt, ...about, offers];
export const offerTold: Cbor = ['test.echo@1.2', { corpus: ['notes'] }, 40, false, noHash];
