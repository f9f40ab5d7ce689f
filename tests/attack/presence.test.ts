import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { areBytesEqual, bytesToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { echo, says as answers } from '../unit/bus-fixture.ts';
import { createFakeLink, settle } from '../unit/link-fixture.ts';
import { manifestBody, noHash, offerTold, presenceHouse, signedManifest } from '../unit/presence-fixture.ts';
import { makePerson, platformCrypto } from '../unit/street-fixture.ts';
import { vectorUrl } from '../vectors/make.ts';
import { fuzz, harmless } from './fuzz-fixture.ts';

const { presence: presenceHex } = JSON.parse(readFileSync(vectorUrl('crypto.json'), 'utf8')) as { presence: string };
const honest = new Uint8Array(Buffer.from(presenceHex, 'hex'));
/** Bora of the vectors, whose key stands in the manifest itself. */
const boraDevice = bytesToText(honest.slice(Buffer.from(honest).indexOf(Buffer.from([0x58, 0x20])) + 2).slice(0, 32));

/** Mallory is a member with a link of her own, and signs whatever she likes with her own key. */
const againstBora = async () => {
  const bora = await presenceHouse('bora');
  const mallory = await makePerson('mallory');
  const link = createFakeLink(mallory.device);
  bora.links.up(link);
  const key = mallory.keys.signing.publicKey;
  const says = async (body: Cbor): Promise<void> =>
    bora.presence.take(await signedManifest(mallory.keys.signing, body), link);
  const told = () => bora.bus.registry.remoteOffers(mallory.device);
  return { bora, mallory, link, key, says, told };
};

describe('attacks on presence', () => {
  it('3,000 changed manifests: none is believed, and the honest one still is', async () => {
    const { bus, presence, refused, clock } = await presenceHouse('anna');
    const link = createFakeLink(boraDevice);
    const tally = await fuzz(21, 3_000, [honest], async (bytes) => {
      if (areBytesEqual(bytes, honest)) return null;
      clock.advance(1_000);
      await presence.take(bytes, link);
      return bus.registry.remoteOffers(boraDevice).length === 0 ? null : false;
    });
    expect(tally).toMatchObject({ ...harmless(3_000), taken: 0 });
    expect(new Set(refused)).toEqual(new Set(['presence-malformed', 'presence-foreign', 'presence-signature']));
    await presence.take(honest, link);
    expect(bus.registry.remoteOffers(boraDevice).map(({ name }) => name)).toEqual(['library.search', 'mesh.ping']);
    expect(bus.registry.aboutOf(boraDevice)).toEqual({
      name: 'Bora',
      profile: 'hearth',
      battery: 'good',
      loadPercent: 25,
    });
  }, 60_000);

  it('of the wrong shape, each signed well, are refused whole', async () => {
    const { bora, key, says, told } = await againstBora();
    const good: Cbor = offerTold;
    const offers = (...list: Cbor[]): Cbor => manifestBody(key, 1, list);
    const about = (...parts: Cbor[]): Cbor => manifestBody(key, 1, [good], parts);
    const odd: Record<string, Cbor> = {
      'the first version': [1, key, 1, []],
      'a version to come': [3, ...manifestBody(key, 1, [good]).slice(1)],
      'a part too few': manifestBody(key, 1, [good]).slice(0, -1),
      'a part too many': [...manifestBody(key, 1, [good]), 0],
      'no list': 5,
      'a negative time': manifestBody(key, -1, [good]),
      'a short key': manifestBody(key.slice(1), 1, [good]),
      'a name that is no text': about(7, 'hearth', 'good', 0),
      'a name too long': about('x'.repeat(limits.nameCharsMax + 1), 'hearth', 'good', 0),
      'an unknown profile': about('Mallory', 'king', 'good', 0),
      'an unknown battery': about('Mallory', 'hearth', 'endless', 0),
      'a negative load': about('Mallory', 'hearth', 'good', -1),
      'offers that are no list': manifestBody(key, 1, {}),
      'too many offers': offers(
        ...Array.from({ length: limits.presenceOffersMax + 1 }, (_, i) => [`test.echo@1.${i}`, {}, 0, false, noHash]),
      ),
      'an ability told twice': offers(good, ['test.echo@1.2', {}, 0, false, noHash]),
      'no ability by name': offers(['no id', {}, 0, false, noHash]),
      'an offer of the first version': offers(['test.echo@1.2', {}, 0, false]),
      'params that are a list': offers(['test.echo@1.2', [], 0, false, noHash]),
      'a param that is a text': offers(['test.echo@1.2', { corpus: 'x' }, 0, false, noHash]),
      'a param too long': offers(['test.echo@1.2', { corpus: ['x'.repeat(81)] }, 0, false, noHash]),
      'a param that is a number': offers(['test.echo@1.2', { corpus: [5] }, 0, false, noHash]),
      "a param's name too long": offers(['test.echo@1.2', { ['x'.repeat(81)]: [] }, 0, false, noHash]),
      'too many names of params': offers([
        'test.echo@1.2',
        Object.fromEntries(Array.from({ length: limits.callParamsMax + 1 }, (_, i) => [`p${i}`, []])),
        0,
        false,
        noHash,
      ]),
      'too many params': offers([
        'test.echo@1.2',
        { corpus: Array.from({ length: limits.corporaMax + 1 }, () => 'x') },
        0,
        false,
        noHash,
      ]),
      'an offer with a negative load': offers(['test.echo@1.2', {}, -1, false, noHash]),
      'full by a number': offers(['test.echo@1.2', {}, 0, 1, noHash]),
      'half a hash': offers(['test.echo@1.2', {}, 0, false, new Uint8Array(4)]),
      'a hash that is a text': offers(['test.echo@1.2', {}, 0, false, 'abcdefgh']),
    };
    for (const [what, body] of Object.entries(odd)) {
      bora.refused.length = 0;
      await says(body);
      expect([what, bora.refused]).toEqual([what, ['presence-malformed']]);
    }
    bora.refused.length = 0;
    await bora.presence.take(new Uint8Array(limits.presenceBytesMax + 1), createFakeLink('mallory'));
    await bora.presence.take(encodeCbor([noHash, noHash]), createFakeLink('mallory'));
    expect(bora.refused).toEqual(['presence-malformed', 'presence-malformed']);
    expect(told()).toEqual([]);
    await says(manifestBody(key, 1, [good]));
    expect(told()).toHaveLength(1);
  });

  it('a load beyond a hundred is a hundred: nobody is made to look worse or better than full', async () => {
    const { bora, mallory, key, says, told } = await againstBora();
    await says(manifestBody(key, 1, [['test.echo@1.2', {}, 9_999, true, noHash]], ['M', 'hearth', 'good', 9_999]));
    expect(told()).toMatchObject([{ loadPercent: 100, isFull: true }]);
    expect(bora.bus.registry.aboutOf(mallory.device)?.loadPercent).toBe(100);
  });

  it("abilities of a device's own screens, and ones nobody here knows, are not taken from a neighbour", async () => {
    const { key, says, told } = await againstBora();
    await says(manifestBody(key, 1, [offerTold, ['own.thing@1.0', {}, 0, false, noHash]]));
    expect(told().map(({ name }) => name)).toEqual(['test.echo']);
  });

  it('an older manifest that is still being checked does not come after a newer one', async () => {
    const waiting: (() => void)[] = [];
    const slow = {
      ...platformCrypto,
      verify: async (...question: Parameters<typeof platformCrypto.verify>) => {
        await new Promise<void>((resolve) => void waiting.push(resolve));
        return platformCrypto.verify(...question);
      },
    };
    const bora = await presenceHouse('bora', slow);
    const anna = await makePerson('anna');
    const link = createFakeLink(anna.device);
    bora.links.up(link);
    const manifest = async (sentAt: number, offers: Cbor) =>
      signedManifest(anna.keys.signing, manifestBody(anna.keys.signing.publicKey, sentAt, offers));
    const older = bora.presence.take(await manifest(1, [offerTold]), link);
    const newer = bora.presence.take(await manifest(2, []), link);
    waiting[1]?.();
    await newer;
    waiting[0]?.();
    await older;
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
    expect(bora.refused).toEqual(['presence-replayed']);
  });

  it('a manifest that was still being checked when its link went leaves nothing behind', async () => {
    let finish = (): void => {};
    const slow = {
      ...platformCrypto,
      verify: async () => {
        await new Promise<void>((resolve) => (finish = resolve));
        return true;
      },
    };
    const bora = await presenceHouse('bora', slow);
    const anna = await makePerson('anna');
    const link = createFakeLink(anna.device);
    bora.links.up(link);
    const key = anna.keys.signing.publicKey;
    const taken = bora.presence.take(await signedManifest(anna.keys.signing, manifestBody(key, 1, [offerTold])), link);
    link.close('lost');
    bora.links.down(link);
    finish();
    await taken;
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
  });

  it('a flood of manifests costs no more checks of signatures than a minute has room for, and others are still heard', async () => {
    let checks = 0;
    const counting = {
      ...platformCrypto,
      verify: (...question: Parameters<typeof platformCrypto.verify>) => {
        checks += 1;
        return platformCrypto.verify(...question);
      },
    };
    const bora = await presenceHouse('bora', counting);
    const [mallory, anna] = [await makePerson('mallory'), await makePerson('anna')];
    const [link, toAnna] = [createFakeLink(mallory.device), createFakeLink(anna.device)];
    for (const each of [link, toAnna]) bora.links.up(each);
    const key = mallory.keys.signing.publicKey;
    const forged = await signedManifest(anna.keys.signing, manifestBody(key, 1, []));
    for (let i = 0; i < limits.presencePerMinuteMax * 3; i++) await bora.presence.take(forged, link);
    expect(checks).toBe(limits.presencePerMinuteMax);
    expect(bora.refused.filter((reason) => reason === 'presence-too-often')).toHaveLength(
      limits.presencePerMinuteMax * 2,
    );
    const honestOne = await signedManifest(
      anna.keys.signing,
      manifestBody(anna.keys.signing.publicKey, 1, [offerTold]),
    );
    await bora.presence.take(honestOne, toAnna);
    expect(bora.bus.registry.remoteOffers(anna.device)).toHaveLength(1);
    bora.clock.advance(60_000);
    await bora.presence.take(await signedManifest(mallory.keys.signing, manifestBody(key, 1, [offerTold])), link);
    expect(bora.bus.registry.remoteOffers(mallory.device)).toHaveLength(1);
  });

  it('a liar who says she is idle and quick is measured: what she fails is not hers for long', async () => {
    const { bora, mallory, key, says } = await againstBora();
    const search = echo();
    bora.bus.register(search, answers('here'));
    await says(manifestBody(key, 1, [['test.echo@1.2', {}, 0, false, noHash]]));
    // Her word is one of the candidates' figures; that she was never measured stays unknown, whatever she says.
    const reply = await bora.bus.call(search, { text: 'x' });
    expect(reply.ok && reply.value.meta.servedBy).toBe('self');
    const [trace] = bora.bus.traces.list(1);
    expect(trace?.candidates.find(({ device }) => device === mallory.device)).toMatchObject({
      p50Ms: 500,
      loadPercent: 0,
    });
  });

  it('a manifest that stays the same does not answer itself: two devices fall silent', async () => {
    const [anna, bora] = [await presenceHouse('anna'), await presenceHouse('bora')];
    const [toAnna, toBora] = [createFakeLink(anna.device), createFakeLink(bora.device)];
    anna.links.up(toBora);
    bora.links.up(toAnna);
    for (let turn = 0; turn < 20; turn++) {
      anna.clock.advance(250);
      bora.clock.advance(250);
      await settle();
      for (const each of anna.sent.slice(turn === 0 ? 0 : -1)) await bora.presence.take(each, toAnna);
      for (const each of bora.sent.slice(turn === 0 ? 0 : -1)) await anna.presence.take(each, toBora);
    }
    expect([anna.sent.length, bora.sent.length]).toEqual([1, 1]);
  });
});
