import { describe, expect, it } from 'vitest';
import { makeCard, readCard } from '../../src/lib/crypto/recovery.ts';
import { rootSeed } from '../../src/lib/crypto/root-seed.ts';
import { createWebcryptoKeyring } from '../../src/lib/crypto/webcrypto-keyring.ts';
import { bytesToHex } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { systemRandom } from '../contracts/transport-world.ts';
import { createSeededKeyring } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { platformCrypto } from './street-fixture.ts';

const hex = (text: string): Bytes => new Uint8Array(Buffer.from(text, 'hex'));
const refusalOf = async (text: string) => {
  const read = await readCard(platformCrypto, text);
  return read.ok ? 'taken' : read.error;
};

/** Published vectors of BIP 39 (trezor/python-mnemonic, MIT), those of 128 bits. */
const vectors = [
  [
    '00000000000000000000000000000000',
    'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about',
  ],
  ['7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f', 'legal winner thank year wave sausage worth useful legal winner thank yellow'],
  [
    '80808080808080808080808080808080',
    'letter advice cage absurd amount doctor acoustic avoid letter advice cage above',
  ],
  ['ffffffffffffffffffffffffffffffff', 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong'],
  ['9e885d952ad362caeb4efe34a8e91bd2', 'ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic'],
  ['c0ba5a8e914111210f2bd131f3d5e08d', 'scheme spot photo card baby mountain device kick cradle pact join borrow'],
  ['23db8160a31d3e0dca3688ed941adbf3', 'cat swing flag economy stadium alone churn speed unique patch report train'],
  [
    'f30f8c1da665478f49b001d94c5fc452',
    'vessel ladder alter error federal sibling chat ability sun glass valve picture',
  ],
] as const;

describe('the recovery card', () => {
  it('says the same words as the published vectors, and reads them back', async () => {
    for (const [entropy, words] of vectors) {
      expect((await makeCard(platformCrypto, hex(entropy))).words.join(' ')).toBe(words);
      expect(await readCard(platformCrypto, words)).toEqual({ ok: true, value: hex(entropy) });
    }
  });

  it('forgives anna capitals, more blanks, line breaks, commas and numbers in front of the words', async () => {
    const [entropy, words] = vectors[4];
    const texts = [`  ${words.replaceAll(' ', '  \n')} `, words.replaceAll(' ', ', ')];
    const numbered = words
      .split(' ')
      .map((word, index) => `${index + 1}) ${word.toUpperCase()}`)
      .join('\n');
    for (const text of [...texts, numbered])
      expect(await readCard(platformCrypto, text)).toEqual({ ok: true, value: hex(entropy) });
  });

  it('names the word that is not in the list, and leaves umlauts as they were typed', async () => {
    const words = vectors[4][1].split(' ');
    expect(await refusalOf(words.with(3, 'fibre').join(' '))).toEqual({ reason: 'card-word', position: 4 });
    expect(await refusalOf(words.with(0, 'özone').join(' '))).toEqual({ reason: 'card-word', position: 1 });
    expect(await refusalOf(words.with(11, 'picnicx').join(' '))).toEqual({ reason: 'card-word', position: 12 });
  });

  it('tells a missing word from words in a wrong order', async () => {
    const words = vectors[4][1].split(' ');
    expect(await refusalOf(words.slice(1).join(' '))).toEqual({ reason: 'card-count' });
    expect(await refusalOf([...words, 'zoo'].join(' '))).toEqual({ reason: 'card-count' });
    expect(await refusalOf('')).toEqual({ reason: 'card-count' });
    expect(await refusalOf(words.with(11, 'zoo').join(' '))).toEqual({ reason: 'card-checksum' });
  });

  it('is read from its QR code, and a damaged code is refused', async () => {
    const { qr } = await makeCard(platformCrypto, hex(vectors[5][0]));
    expect(qr).toMatch(/^hearthnet:card:[\w-]{27}$/);
    expect(await readCard(platformCrypto, ` ${qr}\n`)).toEqual({ ok: true, value: hex(vectors[5][0]) });
    const changed = qr.replace(/.(?=.{10}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
    expect(await refusalOf(changed)).toEqual({ reason: 'card-checksum' });
    expect(await refusalOf(qr.slice(0, -3))).toEqual({ reason: 'card-unreadable' });
    expect(await refusalOf('hearthnet:card:')).toEqual({ reason: 'card-unreadable' });
  });

  it('takes any text without an exception', async () => {
    const random = seededRandom('cards');
    for (let round = 0; round < 2_000; round++) {
      const text = String.fromCharCode(...random.bytes(1 + (round % 90)));
      expect(await refusalOf(round % 2 ? text : `hearthnet:card:${text}`)).not.toBe('taken');
    }
  });

  it('makes the same person in WebCrypto as in the keyring of the simulator', async () => {
    const entropy = hex(vectors[6][0]);
    const webcrypto = createWebcryptoKeyring({
      store: createMemoryStore(),
      random: systemRandom,
      crypto: platformCrypto,
      subtle: crypto.subtle,
    });
    const real = await webcrypto.prepare({ root: { entropy }, device: 'new' });
    const seeded = await createSeededKeyring(hex('01')).prepare({ root: { entropy }, device: 'new' });
    expect(real.keys.rootPublicKey).toEqual(seeded.keys.rootPublicKey);
    expect(bytesToHex(await rootSeed(platformCrypto, entropy))).toHaveLength(64);
  });
});
