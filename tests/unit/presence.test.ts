import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createPresence } from '../../src/lib/services/presence.ts';
import { createTestBus, echo } from './bus-fixture.ts';
import { createFakeLink, createFakeLinks, settle, untilTrue } from './link-fixture.ts';
import { makePerson, platformCrypto } from './street-fixture.ts';

const house = async (name: string) => {
  const { bus, clock } = createTestBus();
  const { keys, device } = await makePerson(name);
  const links = createFakeLinks();
  const sent: Bytes[] = [];
  const refused: string[] = [];
  const presence = createPresence({
    bus,
    clock,
    crypto: platformCrypto,
    signing: keys.signing,
    links,
    broadcast: (each) => void sent.push(each),
    isOffered: (capability) => capability !== 'own.thing',
    onRefused: (reason) => void refused.push(reason),
  });
  await presence.start();
  return { bus, clock, device, keys, links, sent, refused, presence };
};
const signedBy = async (signing: SigningKey, body: Cbor): Promise<Bytes> => {
  const bytes = encodeCbor(body);
  return encodeCbor([bytes, await signing.sign(concatBytes(utf8('HN-PRESENCE1'), bytes))]);
};
const offer: Cbor = ['test.echo@1.2', { corpus: ['notes'] }, 40, false];

describe('presence', () => {
  it('tells neighbours what this device offers, with params, a moment after a change and every thirty seconds', async () => {
    const [anna, bora] = [await house('anna'), await house('bora')];
    anna.bus.register(
      echo(),
      async (input) => ok(input),
      () => ({ corpus: ['notes'] }),
    );
    anna.bus.register(echo({ name: 'own.thing' }), async (input) => ok(input));
    anna.clock.advance(500);
    await untilTrue('it was sent', () => anna.sent.length === 1);
    const link = createFakeLink(anna.device);
    await bora.presence.take(anna.sent[0] ?? new Uint8Array(0), link);
    expect(bora.refused).toEqual([]);
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([
      {
        name: 'test.echo',
        version: { major: 1, minor: 2 },
        params: { corpus: ['notes'] },
        loadPercent: 0,
        isFull: false,
      },
    ]);
    anna.clock.advance(limits.presenceIntervalMs);
    await untilTrue('it was sent again', () => anna.sent.length === 2);
    bora.links.down(link);
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
    await anna.presence.stop();
    anna.clock.advance(3_600_000);
    await settle();
    expect(anna.sent).toHaveLength(2);
  });

  it("is believed of the link's own device only, once, and when that device signed it", async () => {
    const bora = await house('bora');
    const [anna, mallory] = [await makePerson('anna'), await makePerson('mallory')];
    const byAnna = await signedBy(anna.keys.signing, [1, anna.keys.signing.publicKey, 50, [offer]]);
    const toAnna = createFakeLink(anna.device);
    await bora.presence.take(byAnna, createFakeLink(mallory.device));
    await bora.presence.take(
      await signedBy(mallory.keys.signing, [1, anna.keys.signing.publicKey, 50, [offer]]),
      toAnna,
    );
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
    await bora.presence.take(byAnna, toAnna);
    await bora.presence.take(byAnna, toAnna);
    await bora.presence.take(await signedBy(anna.keys.signing, [1, anna.keys.signing.publicKey, 49, []]), toAnna);
    expect(bora.refused).toEqual(['presence-foreign', 'presence-signature', 'presence-replayed', 'presence-replayed']);
    expect(bora.bus.registry.remoteOffers(anna.device)).toHaveLength(1);
  });

  it('of the wrong shape is refused whole', async () => {
    const bora = await house('bora');
    const { keys, device } = await makePerson('anna');
    const key = keys.signing.publicKey;
    const many = Array.from({ length: 65 }, () => offer);
    const odd: Cbor[] = [
      [2, key, 1, []],
      [1, key, 1],
      [1, key, -1, []],
      [1, key.slice(1), 1, []],
      [1, key, 1, many],
      [1, key, 1, [['no id', {}, 0, false]]],
      [1, key, 1, [['test.echo@1.2', [], 0, false]]],
      [1, key, 1, [['test.echo@1.2', { corpus: 'x' }, 0, false]]],
      [1, key, 1, [['test.echo@1.2', { corpus: ['x'.repeat(81)] }, 0, false]]],
      [1, key, 1, [['test.echo@1.2', { corpus: [5] }, 0, false]]],
      [1, key, 1, [['test.echo@1.2', {}, -1, false]]],
      [1, key, 1, [['test.echo@1.2', {}, 0, 0]]],
      [1, key, 1, [['test.echo@1.2', { corpus: Array.from({ length: limits.corporaMax + 1 }, () => 'x') }, 0, false]]],
    ];
    for (const body of odd) await bora.presence.take(await signedBy(keys.signing, body), createFakeLink(device));
    await bora.presence.take(new Uint8Array(limits.presenceBytesMax + 1), createFakeLink(device));
    expect(bora.refused).toEqual(Array.from({ length: odd.length + 1 }, () => 'presence-malformed'));
    expect(bora.bus.registry.remoteOffers(device)).toEqual([]);
  });

  it('that comes after its link has gone leaves nothing behind', async () => {
    const bora = await house('bora');
    const anna = await makePerson('anna');
    const link = createFakeLink(anna.device);
    link.close('gone');
    await bora.presence.take(await signedBy(anna.keys.signing, [1, anna.keys.signing.publicKey, 50, [offer]]), link);
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
  });

  it('cannot say that a device is more than fully loaded', async () => {
    const bora = await house('bora');
    const anna = await makePerson('anna');
    await bora.presence.take(
      await signedBy(anna.keys.signing, [1, anna.keys.signing.publicKey, 50, [['test.echo@1.2', {}, 9_999, true]]]),
      createFakeLink(anna.device),
    );
    expect(bora.bus.registry.remoteOffers(anna.device)).toMatchObject([{ loadPercent: 100, isFull: true }]);
  });
});
