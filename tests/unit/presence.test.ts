import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { echo } from './bus-fixture.ts';
import { createFakeLink, settle, untilTrue } from './link-fixture.ts';
import { manifestBody, offerTold, presenceHouse, signedManifest } from './presence-fixture.ts';
import { makePerson } from './street-fixture.ts';

describe('presence', () => {
  it('tells neighbours what this device is and offers, with params, a moment after a change and every thirty seconds', async () => {
    const [anna, bora] = [await presenceHouse('anna'), await presenceHouse('bora')];
    anna.bus.register(
      echo(),
      async (input) => ok(input),
      () => ({ corpus: ['notes'] }),
    );
    anna.bus.register(echo({ name: 'own.thing' }), async (input) => ok(input));
    anna.clock.advance(500);
    await untilTrue('it was sent', () => anna.sent.length === 1);
    const link = createFakeLink(anna.device);
    bora.links.up(link);
    await bora.presence.take(anna.sent[0] ?? new Uint8Array(0), link);
    expect(bora.refused).toEqual([]);
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([
      {
        name: 'test.echo',
        version: { major: 1, minor: 2 },
        params: { corpus: ['notes'] },
        loadPercent: 0,
        isFull: false,
        schema: '',
      },
    ]);
    expect(bora.bus.registry.aboutOf(anna.device)).toEqual({
      name: 'anna',
      profile: 'hearth',
      battery: 'unknown',
      loadPercent: 0,
    });
    anna.clock.advance(limits.presenceIntervalMs);
    await untilTrue('it was sent again', () => anna.sent.length === 2);
    bora.links.down(link);
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
    await anna.presence.stop();
    anna.clock.advance(3_600_000);
    await settle();
    expect(anna.sent).toHaveLength(2);
  });

  it('of a device that saves its battery goes out rarely, and still at once when something changes', async () => {
    const anna = await presenceHouse('anna');
    anna.world.isSaving = true;
    anna.clock.advance(limits.presenceIntervalMs + 1);
    await untilTrue('the turn planned before went out', () => anna.sent.length === 1);
    anna.clock.advance(limits.presenceSavingIntervalMs - limits.presenceIntervalMs);
    await settle();
    expect(anna.sent).toHaveLength(1);
    anna.world.about = { ...anna.world.about, battery: 'low' };
    anna.bus.registry.noteLocalChange();
    anna.clock.advance(200);
    await untilTrue('the change was told', () => anna.sent.length === 2);
    anna.bus.registry.noteLocalChange();
    anna.clock.advance(1_000);
    await settle();
    expect(anna.sent).toHaveLength(2);
  });

  it('tells no ability that is switched off, from the moment it is', async () => {
    const anna = await presenceHouse('anna');
    const bora = await presenceHouse('bora');
    const link = createFakeLink(anna.device);
    bora.links.up(link);
    anna.bus.register(echo(), async (input) => ok(input));
    anna.clock.advance(200);
    await untilTrue('it was told', () => anna.sent.length === 1);
    anna.world.isGiven = false;
    anna.bus.registry.noteLocalChange();
    anna.clock.advance(200);
    await untilTrue('the change was told', () => anna.sent.length === 2);
    for (const each of anna.sent) await bora.presence.take(each, link);
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
    expect(bora.bus.registry.aboutOf(anna.device)?.name).toBe('anna');
  });

  it("is believed of the link's own device only, once, and when that device signed it", async () => {
    const bora = await presenceHouse('bora');
    const [anna, mallory] = [await makePerson('anna'), await makePerson('mallory')];
    const { publicKey } = anna.keys.signing;
    const byAnna = await signedManifest(anna.keys.signing, manifestBody(publicKey, 50, [offerTold]));
    const toAnna = createFakeLink(anna.device);
    await bora.presence.take(byAnna, createFakeLink(mallory.device));
    await bora.presence.take(
      await signedManifest(mallory.keys.signing, manifestBody(publicKey, 50, [offerTold])),
      toAnna,
    );
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
    await bora.presence.take(byAnna, toAnna);
    await bora.presence.take(byAnna, toAnna);
    await bora.presence.take(await signedManifest(anna.keys.signing, manifestBody(publicKey, 49, [])), toAnna);
    expect(bora.refused).toEqual(['presence-foreign', 'presence-signature', 'presence-replayed', 'presence-replayed']);
    expect(bora.bus.registry.remoteOffers(anna.device)).toHaveLength(1);
  });

  it('counts for as long as anything is heard over the link, and ninety seconds longer', async () => {
    const bora = await presenceHouse('bora');
    const anna = await makePerson('anna');
    const link = createFakeLink(anna.device);
    bora.links.up(link);
    const manifest = await signedManifest(
      anna.keys.signing,
      manifestBody(anna.keys.signing.publicKey, 50, [offerTold]),
    );
    await bora.presence.take(manifest, link);
    const isStale = () =>
      bora.bus.registry.providersOf('test.echo', { major: 1, minor: 0 }, bora.clock.now())[0]?.isStale;
    for (let minute = 0; minute < 5; minute++) {
      bora.clock.advance(60_000);
      bora.world.heardAt = bora.clock.now() - 1_000;
      bora.clock.advance(limits.presenceLookMs);
      expect(isStale()).toBe(false);
    }
    bora.clock.advance(limits.presenceTtlMs + limits.presenceLookMs);
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
    expect(bora.bus.registry.aboutOf(anna.device)).toBeNull();
  });

  it('with more params than one manifest takes goes out with fewer, and is believed', async () => {
    const [anna, bora] = [await presenceHouse('anna'), await presenceHouse('bora')];
    const corpora = Array.from({ length: limits.corporaMax }, (_, i) => `${i} ${'ü'.repeat(70)}`);
    anna.bus.register(
      echo(),
      async (input) => ok(input),
      () => ({ corpus: corpora }),
    );
    anna.clock.advance(200);
    await untilTrue('it was sent', () => anna.sent.length === 1);
    expect(anna.sent[0]?.length).toBeLessThanOrEqual(limits.presenceBytesMax);
    const link = createFakeLink(anna.device);
    await bora.presence.take(anna.sent[0] ?? new Uint8Array(0), link);
    expect(bora.refused).toEqual([]);
    const told = bora.bus.registry.remoteOffers(anna.device)[0]?.params.corpus ?? [];
    expect(told.length).toBeGreaterThan(10);
    expect(corpora.slice(0, told.length)).toEqual(told);
  });

  it('that comes after its link has gone leaves nothing behind', async () => {
    const bora = await presenceHouse('bora');
    const anna = await makePerson('anna');
    const link = createFakeLink(anna.device);
    link.close('gone');
    await bora.presence.take(
      await signedManifest(anna.keys.signing, manifestBody(anna.keys.signing.publicKey, 50, [offerTold])),
      link,
    );
    expect(bora.bus.registry.remoteOffers(anna.device)).toEqual([]);
  });

  it('is started twice, stopped twice and started again like once, and after its end nothing is sent or waited for', async () => {
    const anna = await presenceHouse('anna');
    await anna.presence.start();
    anna.clock.advance(limits.presenceIntervalMs);
    await settle();
    expect(anna.sent).toHaveLength(1);
    anna.presence.sendSoon();
    await anna.presence.stop();
    await anna.presence.stop();
    anna.presence.sendSoon();
    anna.clock.advance(3_600_000);
    await settle();
    expect(anna.sent).toHaveLength(1);
    await anna.presence.start();
    anna.clock.advance(limits.presenceIntervalMs);
    await settle();
    expect(anna.sent).toHaveLength(2);
    // One that is just being signed is not sent any more.
    anna.clock.advance(limits.presenceIntervalMs);
    await anna.presence.stop();
    await settle();
    expect(anna.sent).toHaveLength(2);
  });

  it('of a device without abilities says so too', async () => {
    const anna = await presenceHouse('anna');
    anna.presence.sendSoon();
    anna.clock.advance(200);
    await untilTrue('it was sent', () => anna.sent.length === 1);
  });
});
