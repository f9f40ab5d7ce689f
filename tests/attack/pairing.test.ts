import { describe, expect, it } from 'vitest';
import { communityPlace } from '../../src/lib/crypto/community-key.ts';
import { encodePairingCode, isMarkedWith, pairingDevice, parsePairingCode } from '../../src/lib/crypto/pairing-code.ts';
import { pairingTexts, readPairingText } from '../../src/lib/crypto/pairing-text.ts';
import { hlcEpochMs } from '../../src/lib/kernel/hlc.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { PairFacts } from '../../src/lib/kernel/ports/pairing.ts';
import { createNeighbours } from '../../src/lib/mesh/neighbours.ts';
import { openPairing } from '../../src/lib/mesh/pairing.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createVirtualClock, passVirtualTime } from '../contracts/transport-world.ts';
import { createMemoryPairing } from '../support/memory-pairing.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { selfOf } from '../unit/hello-fixture.ts';
import { hashOf, makePerson, platformCrypto, todayMs } from '../unit/street-fixture.ts';

const streetKey = hashOf('the epoch key of the street');

/** Phones in one room. Each is a member by `keys`, or waits with an invite of `inviter`, or has made that invite itself. */
const openRoom = async () => {
  const clock = createVirtualClock(todayMs);
  const random = seededRandom('pairing attack');
  const network = createMemoryNetwork({ clock, random, faults: { isSignallingDown: true } });
  const phones = createMemoryPairing({ clock, random });
  const time = passVirtualTime(clock);
  const bring = async (
    name: string,
    wish: { keys?: readonly Bytes[]; knocksAt?: string; hasInvite?: boolean; invite?: string } = {},
  ) => {
    const person = await makePerson(name);
    const { invite: secret = 'an invite of anna' } = wish;
    const invite = { tag: secret, key: hashOf(`key of ${secret}`), psk: hashOf(`psk of ${secret}`) };
    const neighbours = createNeighbours({
      clock,
      random,
      crypto: platformCrypto,
      transport: network.transport(name),
      self: () => selfOf(person),
      onRefused: (reason) => void refused.push(reason),
    });
    const refused: string[] = [];
    const guests: string[] = [];
    if (wish.hasInvite) neighbours.meetGuests(invite, ({ peer }) => void guests.push(peer.name));
    if (wish.knocksAt) neighbours.meetInviter(invite, wish.knocksAt, ({ peer }) => void guests.push(peer.name));
    const run = openPairing({
      crypto: platformCrypto,
      clock,
      port: phones.port(),
      neighbours,
      selfDevice: () => person.device,
      keys: () => wish.keys ?? [],
      hidesAddress: () => false,
    });
    await time.until(`${name} shows a code`, () => run.view().step === 'showing');
    const scan = async (code: string): Promise<string> => {
      const taken = await run.take(code);
      return taken.ok ? 'taken' : taken.error;
    };
    return { person, neighbours, run, guests, refused, scan, code: run.view().picture };
  };
  return { clock, time, phones, bring };
};

const bytesOf = (text: string): Uint8Array => {
  const bytes = readPairingText(text);
  if (!bytes.ok) throw new Error(bytes.error);
  return bytes.value;
};
const codeOf = (text: string) => {
  const code = parsePairingCode(bytesOf(text));
  if (!code.ok) throw new Error(code.error);
  return code.value;
};
const member = { keys: [streetKey] };

describe('a code that was tampered with', () => {
  it('with any single bit turned is refused before anything is connected', async () => {
    const { bring } = await openRoom();
    const [anna, bora] = [await bring('anna', member), await bring('bora', member)];
    const bytes = bytesOf(bora.code);
    const outcomes = new Set<string>();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const turned = bytes.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      outcomes.add(await anna.scan(pairingTexts(turned).picture));
    }
    expect([...outcomes].toSorted()).toEqual([
      'pairing-cut-off',
      'pairing-foreign',
      'pairing-unreadable',
      'pairing-version',
    ]);
    expect(anna.run.view().step).toBe('showing');
    expect(await anna.scan(bora.code)).toBe('taken');
  });

  it('cut at any byte or letter says that a part is missing, and with more behind it that it is none', async () => {
    const { bring } = await openRoom();
    const [anna, bora] = [await bring('anna', member), await bring('bora', member)];
    const { words } = bora.run.view();
    for (let length = 'hn1.'.length + 2; length < words.length; length++)
      expect(await anna.scan(words.slice(0, length)), `${length}`).toBe('pairing-cut-off');
    const bytes = bytesOf(words);
    for (let length = 2; length < bytes.length; length++)
      expect(await anna.scan(pairingTexts(bytes.subarray(0, length)).picture)).toBe('pairing-cut-off');
    expect(await anna.scan(pairingTexts(concatBytes(bytes, Uint8Array.of(1))).words)).toBe('pairing-unreadable');
    expect(await anna.scan('hn1.')).toBe('pairing-unreadable');
  });

  it('of noise, however long, is an answer and never an error, and nothing is connected', async () => {
    const { bring } = await openRoom();
    const [anna, bora] = [await bring('anna', member), await bring('bora', member)];
    const random = seededRandom('noise');
    const good = bytesOf(bora.code);
    for (let turn = 0; turn < 3_000; turn++) {
      const noise = random.bytes(1 + (turn % 110));
      const mixed = concatBytes(good.subarray(0, turn % good.length), noise);
      for (const bytes of [noise, mixed])
        for (const text of Object.values(pairingTexts(bytes))) expect(await anna.scan(text)).toMatch(/^pairing-/);
    }
    expect(await anna.scan('x'.repeat(limits.pairingTextCharsMax + 1))).toBe('pairing-unreadable');
    expect(await anna.scan('https://hearth.example/#join=abc')).toBe('pairing-is-invite');
    expect(anna.run.view().step).toBe('showing');
  });
});

describe('a code of the wrong one', () => {
  it('of another street, and of a stranger with an invite of somebody else, is foreign', async () => {
    const { bring } = await openRoom();
    const anna = await bring('anna', { ...member, hasInvite: true });
    const dora = await bring('dora', { keys: [hashOf('another street')] });
    const chen = await bring('chen', { knocksAt: dora.person.device, invite: 'an invite of dora' });
    const bora = await bring('bora', { knocksAt: anna.person.device });
    expect(await anna.scan(dora.code)).toBe('pairing-foreign');
    expect(await anna.scan(chen.code)).toBe('pairing-foreign');
    expect(await anna.scan(anna.code)).toBe('pairing-own');
    expect(await anna.scan(bora.code)).toBe('taken');
  });

  it('of the right street made before the key was changed is still taken, as at the meeting places', async () => {
    const { bring } = await openRoom();
    const newer = hashOf('the newer key');
    const [anna, bora] = [await bring('anna', { keys: [newer, streetKey] }), await bring('bora', member)];
    expect(await anna.scan(bora.code)).toBe('taken');
  });

  it('a newcomer believes only the device that invited: not another member, not another newcomer', async () => {
    const { bring } = await openRoom();
    const anna = await bring('anna', { ...member, hasInvite: true });
    const mallory = await bring('mallory', member);
    const bora = await bring('bora', { knocksAt: anna.person.device });
    const chen = await bring('chen', { knocksAt: anna.person.device });
    expect(await bora.scan(mallory.code)).toBe('pairing-not-inviter');
    expect(await bora.scan(chen.code)).toBe('pairing-both-guests');
    expect(await bora.scan(anna.code)).toBe('taken');
  });

  it('mallory, a member, shows a code in boras name: hello finds another device behind it, and no link comes about', async () => {
    const { bring, time } = await openRoom();
    const anna = await bring('anna', member);
    const mallory = await bring('mallory', member);
    const bora = await makePerson('bora');
    const forged = await encodePairingCode(
      platformCrypto,
      {
        ...codeOf(mallory.code),
        device: await pairingDevice(platformCrypto, bora.keys.signing.publicKey),
      },
      (await communityPlace(platformCrypto, streetKey, 0)).key,
    );
    expect(await anna.scan(pairingTexts(forged ?? new Uint8Array(0)).picture)).toBe('taken');
    expect(await mallory.scan(anna.code)).toBe('taken');
    await time.until('it failed', () => anna.run.view().step === 'failed');
    expect(anna.run.view().reason).toBe('pairing-hello');
    expect(anna.refused).toEqual(['hello-unexpected-device']);
    expect(anna.neighbours.links.all()).toEqual([]);
  });

  it('somebody in the middle with a certificate of their own is told apart by the browser, and anna is told so', async () => {
    const { bring, phones } = await openRoom();
    const [anna, bora] = [await bring('anna', member), await bring('bora', member)];
    expect(await anna.scan(bora.code)).toBe('taken');
    phones.failAll('dtls-failed');
    expect(anna.run.view()).toMatchObject({ step: 'failed', reason: 'pairing-fingerprint' });
  });
});

describe('a code that nobody answers to', () => {
  const scanOf = async (ageMs: number) => {
    const { bring, clock } = await openRoom();
    const anna = await bring('anna', member);
    const facts: PairFacts = { ...codeOf((await bring('bora', member)).code).facts, fingerprint: hashOf('old') };
    const minute = Math.floor((clock.now() - hlcEpochMs - ageMs) / 60_000);
    const { key } = await communityPlace(platformCrypto, streetKey, 0);
    const code = { role: 'member', minute, device: hashOf('bora').slice(0, 8), facts } as const;
    const bytes = await encodePairingCode(platformCrypto, code, key);
    expect(await anna.scan(pairingTexts(bytes ?? new Uint8Array(0)).picture)).toBe('taken');
    clock.advance(limits.pairingConnectMs);
    return anna.run.view();
  };

  it('is told to be old when it is, and when it is not, that nothing came of it', async () => {
    expect(await scanOf(2 * limits.pairingStaleMs)).toMatchObject({ step: 'failed', reason: 'pairing-stale' });
    expect(await scanOf(0)).toMatchObject({ step: 'failed', reason: 'pairing-timeout' });
  });

  it('the mark is of the key and of every byte before it', async () => {
    const { bring } = await openRoom();
    const code = codeOf((await bring('anna', member)).code);
    const { key } = await communityPlace(platformCrypto, streetKey, 0);
    expect(await isMarkedWith(platformCrypto, code, key)).toBe(true);
    expect(await isMarkedWith(platformCrypto, code, streetKey)).toBe(false);
  });
});
