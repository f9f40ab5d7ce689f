import { describe, expect, it } from 'vitest';
import { issueCertificate } from '../../src/lib/crypto/certificate.ts';
import { initiateHello, respondHello } from '../../src/lib/crypto/hello.ts';
import { sasEmoji } from '../../src/lib/crypto/sas.ts';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { hlcEpochMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Carrier } from '../../src/lib/kernel/ports/transport.ts';
import { shakeHands } from '../../src/lib/mesh/handshake.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { smallOrderKeys } from '../contracts/crypto-contract.ts';
import { doneOf, helloDeps, runHello, selfOf } from './hello-fixture.ts';
import { settle } from './link-fixture.ts';
import { hashOf, makePerson, platformCrypto, todayMs } from './street-fixture.ts';

const contains = (whole: Uint8Array, part: Uint8Array): boolean => Buffer.from(whole).includes(Buffer.from(part));

describe('Hello', () => {
  it('tells anna and bora who the other is, and gives both the same transcript and emoji', async () => {
    const [anna, bora] = [await makePerson('anna'), await makePerson('bora')];
    const { initiator, responder } = doneOf(await runHello(helloDeps(anna), helloDeps(bora)));
    expect(initiator.peer).toMatchObject({
      name: 'bora',
      build: 'test',
      clockMs: todayMs,
      certificate: bora.certificate,
    });
    expect(responder.peer).toMatchObject({ name: 'anna', certificate: anna.certificate });
    expect(initiator.transcript).toEqual(responder.transcript);
    const emoji = await sasEmoji(platformCrypto, initiator.transcript);
    expect(emoji).toHaveLength(6);
    expect(await sasEmoji(platformCrypto, responder.transcript)).toEqual(emoji);
  });

  it('is never the same twice', async () => {
    const [anna, bora] = [await makePerson('anna'), await makePerson('bora')];
    const one = await runHello(helloDeps(anna), helloDeps(bora));
    const other = await runHello(helloDeps(anna), helloDeps(bora));
    expect(doneOf(one).initiator.transcript).not.toEqual(doneOf(other).initiator.transcript);
    for (const at of [0, 1, 2]) expect(one.messages[at]).not.toEqual(other.messages[at]);
  });

  it('shows no name, key or certificate to whoever reads along', async () => {
    const [anna, bora] = [await makePerson('anna'), await makePerson('bora')];
    const { messages } = await runHello(helloDeps(anna), helloDeps(bora));
    for (const message of messages)
      for (const { certificate, name } of [anna, bora])
        for (const secret of [certificate.device, certificate.root, certificate.agreement, Buffer.from(name)])
          expect(contains(message, secret)).toBe(false);
  });

  it('fails when one of them has not the key of the community', async () => {
    const [anna, mallory] = [await makePerson('anna'), await makePerson('mallory')];
    const outsider = helloDeps(mallory, { psk: hashOf('a guess') });
    expect((await runHello(helloDeps(anna), outsider)).initiator).toEqual({ ok: false, error: 'hello-unsealable' });
    expect((await runHello(outsider, helloDeps(anna))).initiator).toEqual({ ok: false, error: 'hello-unsealable' });
  });

  it('accepts a certificate up to a week after its end, and not longer', async () => {
    const [anna, bora] = [await makePerson('anna'), await makePerson('bora')];
    const expiresMs = bora.certificate.expires * 1000 + hlcEpochMs;
    const at = (nowMs: number) => runHello(helloDeps(anna, { nowMs: () => nowMs }), helloDeps(bora));
    expect(doneOf(await at(expiresMs + 7 * 24 * 3_600_000)).initiator.peer.name).toBe('bora');
    expect((await at(expiresMs + 7 * 24 * 3_600_000 + 1)).initiator).toEqual({
      ok: false,
      error: 'hello-certificate-expired',
    });
  });

  it('refuses a stolen certificate: its device has not signed this meeting', async () => {
    const [anna, bora, mallory] = [await makePerson('anna'), await makePerson('bora'), await makePerson('mallory')];
    const thief = helloDeps(mallory, { self: { ...selfOf(mallory), certificate: bora.certificate } });
    expect((await runHello(helloDeps(anna), thief)).initiator).toEqual({ ok: false, error: 'hello-signature' });
    expect((await runHello(thief, helloDeps(anna))).responder).toEqual({ ok: false, error: 'hello-signature' });
  });

  it('refuses a certificate that its person did not sign, and one for a key that engines disagree about', async () => {
    const [anna, mallory] = [await makePerson('anna'), await makePerson('mallory')];
    const made = [
      await issueCertificate(
        { ...mallory.certificate, root: anna.certificate.root },
        { root: mallory.rootSign, device: mallory.keys.signing.sign },
      ),
      await issueCertificate(
        { ...mallory.certificate, device: smallOrderKeys[0] ?? new Uint8Array(32) },
        { root: mallory.rootSign, device: mallory.keys.signing.sign },
      ),
    ];
    for (const certificate of made) {
      const odd = helloDeps(mallory, { self: { ...selfOf(mallory), certificate } });
      expect((await runHello(helloDeps(anna), odd)).initiator).toEqual({ ok: false, error: 'hello-certificate' });
    }
  });

  it('refuses another version, an empty key, and what is no message of Hello', async () => {
    const anna = helloDeps(await makePerson('anna'));
    const refusalOf = async (first: Uint8Array) => {
      const answered = await respondHello(anna, first);
      return answered.ok ? 'answered' : answered.error;
    };
    const key = hashOf('any key');
    expect(await refusalOf(encodeCbor([1, 1, key]))).toBe('answered');
    expect(await refusalOf(encodeCbor([1, 2, key]))).toBe('hello-version');
    expect(await refusalOf(encodeCbor([1, 1, new Uint8Array(32)]))).toBe('hello-key');
    for (const odd of [
      encodeCbor([2, 1, key]),
      encodeCbor([1, 1]),
      encodeCbor([1, 1, key, 0]),
      encodeCbor([1, 1, key.slice(1)]),
      new Uint8Array(0),
      new Uint8Array(limits.helloBytesMax + 1),
    ])
      expect(await refusalOf(odd)).toBe('hello-malformed');
    const begun = await initiateHello(anna);
    expect(await begun.finish(encodeCbor([2, new Uint8Array(32), key]))).toEqual({ ok: false, error: 'hello-key' });
    expect(await begun.finish(encodeCbor([2, key]))).toEqual({ ok: false, error: 'hello-malformed' });
  });
});

describe('the handshake on a carrier', () => {
  const silentCarrier = (isOfferer: boolean) => {
    let handlers: Parameters<Carrier['listen']>[0] | null = null;
    const state = { isClosed: false, sent: 0 };
    const carrier: Carrier = {
      kind: 'memory',
      isOfferer,
      binding: hashOf('both fingerprints'),
      send: () => ((state.sent += 1), true),
      bufferedBytes: () => 0,
      listen: (given) => void (handlers = given),
      close: () => void (state.isClosed = true),
    };
    return {
      carrier,
      state,
      hear: (message: Uint8Array) => handlers?.message('sync', message),
      lose: () => handlers?.closed('cut'),
    };
  };

  it('gives a silent peer ten seconds and then closes the carrier, on either side', async () => {
    for (const isOfferer of [true, false]) {
      const clock = createVirtualClock();
      const { carrier, state } = silentCarrier(isOfferer);
      const shaken = shakeHands(carrier, clock, helloDeps(await makePerson('anna')));
      await settle();
      clock.advance(limits.helloTimeoutMs - 1);
      await settle();
      expect(state.isClosed).toBe(false);
      clock.advance(1);
      expect(await shaken).toEqual({ ok: false, error: 'hello-timeout' });
      expect(state.isClosed).toBe(true);
    }
  });

  it('ends when the carrier is cut, and when the peer talks nonsense', async () => {
    const anna = helloDeps(await makePerson('anna'));
    const cut = silentCarrier(true);
    const shaken = shakeHands(cut.carrier, createVirtualClock(), anna);
    await settle();
    cut.lose();
    expect(await shaken).toEqual({ ok: false, error: 'hello-lost' });
    const odd = silentCarrier(false);
    const answered = shakeHands(odd.carrier, createVirtualClock(), anna);
    odd.hear(Uint8Array.of(1, 2, 3));
    expect(await answered).toEqual({ ok: false, error: 'hello-malformed' });
    expect([odd.state.isClosed, odd.state.sent]).toEqual([true, 0]);
  });
});
