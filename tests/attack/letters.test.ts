import { describe, expect, it } from 'vitest';
import { hlcEpochMs } from '../../src/lib/kernel/hlc.ts';
import { bytesToText, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Link } from '../../src/lib/kernel/ports/links.ts';
import type { Letter } from '../../src/lib/mail/box-item.ts';
import { openCustody } from '../../src/lib/mail/custody.ts';
import { openLetter, sealLetter } from '../../src/lib/mail/letter.ts';
import { openLetters } from '../../src/lib/mail/letters.ts';
import { encodeMailFrame, parseMailFrame, type MailFrame } from '../../src/lib/mail/mail-frames.ts';
import { createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { isForMail } from '../../src/lib/replica/frames.ts';
import { isMailFrame } from '../../src/lib/mail/mail-frames.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { makePerson, makeStreet, platformCrypto, todayMs, type Person } from '../unit/street-fixture.ts';

const random = seededRandom('letters');
const inDays = (days: number): number => Math.floor((todayMs - hlcEpochMs) / 1000) + days * 24 * 3600;

const write = async (
  community: Bytes,
  from: Person,
  to: Person,
  change: { secret?: Bytes; expires?: number; signer?: Person } = {},
): Promise<Letter> => {
  const letter = await sealLetter(
    { crypto: platformCrypto, community },
    {
      from: { publicKey: from.keys.signing.publicKey, sign: (change.signer ?? from).keys.signing.sign },
      to: to.device,
      agreement: to.keys.agreement.publicKey,
      topic: 'note',
      bytes: utf8('hello'),
      secret: change.secret ?? random.bytes(32),
      expires: change.expires ?? inDays(5),
    },
  );
  if (!letter) throw new Error('too long');
  return letter;
};

/** Bora's letters, with one link to mallory's device that says what it is told to. */
const home = async () => {
  const street = await makeStreet('Anna', 'Bora', 'Mallory');
  const [anna, bora, mallory] = street.people;
  if (!anna || !bora || !mallory) throw new Error('nobody lives here');
  const { here, store } = await street.move(bora);
  const refused: string[] = [];
  const said: MailFrame[] = [];
  let hear: (frame: Uint8Array) => void = () => {};
  const linkOf = (person: Person): Link => ({
    id: `link of ${person.name}`,
    peer: { device: person.device, person: person.person, name: person.name, build: 'test' },
    kind: 'memory',
    send: (_channel, frame) => {
      const parsed = parseMailFrame(frame);
      if (parsed) said.push(parsed);
      return true;
    },
    drained: async () => {},
    onFrame: (_channel, listener) => {
      hear = listener;
      return () => {};
    },
    rides: () => () => {},
    isOpen: true,
    close: () => {},
  });
  const open = async (person: Person) => {
    const link = linkOf(person);
    const letters = await openLetters({
      crypto: platformCrypto,
      clock: street.clock,
      random,
      store,
      here,
      keys: bora.keys,
      links: {
        all: () => [link],
        of: (device) => (device === person.device ? link : null),
        onUp: () => () => {},
        onDown: () => () => {},
      },
      putEverywhere: async () => false,
      onRefused: (reason) => void refused.push(reason),
    });
    letters.start();
    return letters;
  };
  const calm = () => new Promise((resolve) => setTimeout(resolve, 30));
  const say = async (frame: MailFrame | Uint8Array) => {
    hear(frame instanceof Uint8Array ? frame : encodeMailFrame(frame));
    await calm();
  };
  return { ...street, anna, bora, mallory, open, say, refused, said };
};

describe('whoever carries a letter', () => {
  it('can neither read it, nor change it, nor give it to somebody else', async () => {
    const { community } = await makeStreet('Anna');
    const [anna, bora, mallory] = [await makePerson('Anna'), await makePerson('Bora'), await makePerson('Mallory')];
    const letter = await write(community, anna, bora);
    const place = { crypto: platformCrypto, community };
    expect(await openLetter(place, bora.keys.agreement, letter)).toMatchObject({
      ok: true,
      value: { from: anna.device },
    });
    const changed = { ...letter, sealed: letter.sealed.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) };
    const readdressed = { ...letter, to: mallory.keys.signing.publicKey };
    const renamed = { ...letter, id: random.bytes(32) };
    const results = [
      await openLetter(place, mallory.keys.agreement, letter),
      await openLetter(place, bora.keys.agreement, changed),
      await openLetter(place, bora.keys.agreement, readdressed),
      await openLetter(place, bora.keys.agreement, renamed),
      await openLetter({ ...place, community: random.bytes(16) }, bora.keys.agreement, letter),
    ];
    expect(results.map((each) => (each.ok ? 'opened' : each.error))).toEqual([
      'letter-seal',
      'letter-seal',
      'letter-seal',
      'letter-id',
      'letter-seal',
    ]);
  });
});

describe('a letter that bora gets', () => {
  it('in the name of anna, but not signed by her, is refused; so is one from nobody who lives here', async () => {
    const { community, anna, bora, mallory, open, say, refused, said } = await home();
    const letters = await open(mallory);
    let read = 0;
    letters.on('note', () => void (read += 1));
    await say({ type: 'letter', letter: await write(community, anna, bora, { signer: mallory }) });
    await say({ type: 'letter', letter: await write(community, await makePerson('Stranger'), bora) });
    expect(refused).toEqual(['letter-signature', 'letter-stranger']);
    expect([read, said.length]).toEqual([0, 0]);
  });

  it('twice is read once, and he says both times that he has it', async () => {
    const { community, anna, bora, mallory, open, say, said } = await home();
    const letters = await open(mallory);
    let read = 0;
    letters.on('note', () => void (read += 1));
    const letter = await write(community, anna, bora);
    await say({ type: 'letter', letter });
    await say({ type: 'letter', letter });
    expect(read).toBe(1);
    expect(said.map(({ type }) => type)).toEqual(['arrived', 'arrived']);
  });
});

describe('a letter that bora carries', () => {
  it('goes only when its own secret is said, whatever else mallory makes up', async () => {
    const { community, anna, mallory, open, say, said } = await home();
    const letters = await open(mallory);
    const secret = random.bytes(32);
    await say({ type: 'letter', letter: await write(community, mallory, anna, { secret }) });
    expect(said.map(({ type }) => type)).toEqual(['taken']);
    await say({ type: 'arrived', secret: random.bytes(32) });
    expect(letters.carried()).toBe(1);
    await say({ type: 'arrived', secret });
    expect(letters.carried()).toBe(0);
  });

  it('is refused from a device that is no member, and so is what is no frame of mail', async () => {
    const { community, anna, mallory, open, say, refused, said } = await home();
    await open(await makePerson('Stranger'));
    await say({ type: 'letter', letter: await write(community, mallory, anna) });
    expect(refused).toEqual(['mail-stranger']);
    expect(said).toEqual([]);
    await open(mallory);
    await say(Uint8Array.of(110, 1, 2, 3));
    expect(refused).toEqual(['mail-stranger', 'mail-malformed']);
  });

  it('is one of so many: over the share of a device, of all, when expired, or for too long, it is refused by name', async () => {
    const { community, anna, bora, clock } = await home();
    const custody = await openCustody({ clock, store: createMemoryStore() });
    const good = await write(community, anna, bora);
    const big = (): Letter => ({ ...good, id: random.bytes(32), sealed: new Uint8Array(limits.letterBytesMax) });
    const results: string[] = [];
    const take = async (letter: Letter, from: string) => {
      const taken = await custody.take(letter, from);
      if (!taken.ok && !results.includes(taken.error)) results.push(taken.error);
    };
    await take({ ...good, expires: inDays(-1) }, 'anna');
    await take({ ...good, expires: inDays(40) }, 'anna');
    for (let n = 0; n < 70; n++) await take(big(), 'anna');
    expect(results).toEqual(['custody-expired', 'custody-too-long', 'custody-share']);
    for (let n = 0; n < 1_100; n++) await take(big(), `device ${n % 20}`);
    expect(results.at(-1)).toBe('custody-full');
    expect(custody.count() * limits.letterBytesMax).toBeLessThanOrEqual(limits.custodyBytesMax);
  });

  it('costs no more than so many frames a minute', async () => {
    const { anna, mallory, open, say, refused } = await home();
    await open(mallory);
    const frame = encodeMailFrame({ type: 'taken', id: anna.keys.signing.publicKey });
    for (let n = 0; n < limits.mailFramesPerMinuteMax + 5; n++) void say(frame);
    await say(frame);
    expect(refused.filter((reason) => reason === 'mail-rate').length).toBe(6);
  });
});

describe('a frame of mail', () => {
  it('is read totally, in one spelling, and known to the sync that it shares a channel with', () => {
    const frame = encodeMailFrame({ type: 'refused', id: random.bytes(32), reason: 'custody-full' });
    expect([isMailFrame(frame), isForMail(frame), isForMail(Uint8Array.of(100))]).toEqual([true, true, false]);
    for (let turn = 0; turn < 20_000; turn++) {
      const bytes = frame.slice();
      for (const at of random.bytes(1 + (turn % 3))) bytes[at % bytes.length] = random.bytes(1)[0] ?? 0;
      const parsed = parseMailFrame(bytes);
      if (parsed) expect(bytesToText(encodeMailFrame(parsed))).toBe(bytesToText(bytes));
    }
  });
});
