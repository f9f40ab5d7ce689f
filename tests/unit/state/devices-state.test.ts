import { describe, expect, it } from 'vitest';
import type { Devices, OwnDevice } from '../../../src/lib/contracts/devices.ts';
import { createCardReminder } from '../../../src/lib/state/card-reminder.svelte.ts';
import { isCardUntested, sortDevices } from '../../../src/lib/state/devices.svelte.ts';
import { createOwnData, strengthOf } from '../../../src/lib/state/own-data.svelte.ts';
import {
  choosePositions,
  createCardState,
  readCardWords,
  wrongWordOf,
} from '../../../src/lib/state/recovery-card.svelte.ts';
import { createScriptedBus } from './scripted-bus.ts';

const device = (name: string, own: Partial<OwnDevice> = {}): OwnDevice => ({
  device: name,
  isSelf: false,
  state: 'active',
  since: 1,
  lastHeardAt: null,
  ...own,
});
const devices = (own: Partial<Devices> = {}): Devices => ({
  devices: [],
  hasRoot: true,
  cardShownAt: null,
  cardTestedAt: null,
  linking: [],
  linkCode: null,
  retiredReason: '',
  ...own,
});

describe("anna's devices", () => {
  it('stand in the order she looks for them: this one, those heard lately, those set aside, those given up', () => {
    const sorted = sortDevices([
      device('lost', { state: 'revoked', lastHeardAt: 99 }),
      device('copied', { state: 'frozen' }),
      device('old', { lastHeardAt: 3 }),
      device('tablet', { lastHeardAt: 8 }),
      device('phone', { isSelf: true }),
    ]);
    expect(sorted.map(({ device: name }) => name)).toEqual(['phone', 'tablet', 'old', 'copied', 'lost']);
  });
});

describe('the recovery card', () => {
  const words = 'ocean tiger window basket maple river candle north honey stone garden lamp'.split(' ');
  const open = (isRight = true) => {
    const { bus, asked } = createScriptedBus({ 'devices.card': { words, qr: 'q' }, 'devices.testCard': { isRight } });
    return { card: createCardState({ bus, random: () => 0.5 }), asked };
  };

  it('is never asked of the node before anna asks for it', async () => {
    const { card, asked } = open();
    expect([card.step, card.card, asked.length]).toEqual(['start', null, 0]);
    await card.show();
    expect([card.step, card.card?.words.length]).toEqual(['shown', 12]);
  });

  it('leaves the screen and the memory of the page when anna turns away, and says why', async () => {
    const { card } = open();
    await card.show();
    card.leave();
    expect([card.step, card.card, card.wasHidden]).toEqual(['start', null, true]);
    await card.show();
    expect(card.wasHidden).toBe(false);
  });

  it('is tested with two words at different places, in small letters and without blanks', async () => {
    const { card, asked } = open();
    await card.show();
    card.startTest();
    expect(card.card).toBeNull();
    expect(card.positions).toHaveLength(2);
    await card.test([' Candle ', 'NORTH']);
    expect(card.step).toBe('passed');
    expect(asked[1]?.input).toEqual({
      words: [
        { position: card.positions[0], word: 'candle' },
        { position: card.positions[1], word: 'north' },
      ],
    });
  });

  it('stays untested after a wrong word', async () => {
    const { card } = open(false);
    card.startTest();
    await card.test(['a', 'b']);
    expect([card.step, card.isWrong]).toEqual(['test', true]);
  });

  it('asks for places of the whole card, never the same twice', () => {
    for (const random of [() => 0, () => 0.999_999, () => 0.5]) {
      const [first, second] = choosePositions(random);
      expect(first).toBeLessThan(Number(second));
      expect(first).toBeGreaterThanOrEqual(0);
      expect(second).toBeLessThan(12);
    }
  });

  it('is read as people type and paste it', () => {
    expect(readCardWords('1. Ocean  2) tiger,\nwindow')).toEqual(['ocean', 'tiger', 'window']);
    expect(readCardWords(' 12 ')).toEqual([]);
  });

  it('names the word that is on no card, and nothing else', () => {
    expect([wrongWordOf('card-word-3'), wrongWordOf('card-word-12')]).toEqual([2, 11]);
    for (const reason of ['card-word-0', 'card-word-13', 'card-checksum', 'card-word-', 'x-card-word-3'])
      expect(wrongWordOf(reason)).toBeNull();
  });
});

describe('the reminder of the recovery card', () => {
  const day = 24 * 3600_000;
  const remind = (list: Devices | null) => {
    let now = 1_000 * day;
    const texts = new Map<string, string>();
    const store = {
      read: (key: string) => texts.get(key) ?? null,
      write: (key: string, text: string) => void texts.set(key, text),
    };
    const clock = { now: () => now, after: () => () => undefined };
    return {
      reminder: createCardReminder({ value: list }, { clock, store }),
      wait: (days: number) => void (now += days * day),
    };
  };

  it('comes once anna has said something, and not before', () => {
    const { reminder } = remind(devices());
    expect([reminder.isDue(false), reminder.isDue(true)]).toEqual([false, true]);
  });

  it('is gone when the card was tested, and on a device that cannot show it', () => {
    expect(isCardUntested(devices({ cardTestedAt: 1 }))).toBe(false);
    expect(isCardUntested(devices({ hasRoot: false }))).toBe(false);
    expect(isCardUntested(null)).toBe(false);
    expect(isCardUntested(devices({ cardShownAt: 1 }))).toBe(true);
  });

  it('stays away for a week after "later"', () => {
    const { reminder, wait } = remind(devices());
    reminder.later();
    wait(6);
    expect(reminder.isDue(true)).toBe(false);
    wait(2);
    expect(reminder.isDue(true)).toBe(true);
  });
});

describe('a passphrase', () => {
  it('is called what it is', () => {
    expect(strengthOf('kastanie')).toBe('short');
    expect(strengthOf('123456789012345')).toBe('guessable');
    expect(strengthOf('aaaaaaaaaaaaaaaaaaaaaaaa')).toBe('guessable');
    expect(strengthOf('sommer2026!!')).toBe('guessable');
    expect(strengthOf('kastanie laterne')).toBe('fair');
    expect(strengthOf('kastanie laterne fünfzig brücken')).toBe('strong');
  });

  it('is counted in signs, not in the parts a sign is stored in', () => {
    expect(strengthOf('🦊🌻⛵🎈🐢🍞')).toBe('short');
  });
});

describe("anna's data as a file", () => {
  const secret = new Uint8Array(32).fill(7);
  const open = (isGiven = true) => {
    const { bus, asked } = createScriptedBus({
      'devices.export': { file: new Uint8Array([1, 2]), name: 'anna.hearth' },
      'devices.import': { events: 3, refused: 1, tookKeys: false },
    });
    const saved: string[] = [];
    const answer = async () =>
      isGiven ? { ok: true as const, value: secret } : { ok: false as const, error: 'given-up' as const };
    const passkeys = { isOffered: async () => true, seal: answer, open: answer };
    return { data: createOwnData({ bus, passkeys, save: (_file, name) => void saved.push(name) }), asked, saved };
  };

  it('is asked for without a key, with a passphrase or with a passkey, never with two of them', async () => {
    const { data, asked, saved } = open();
    await data.takeAlong('none', 'left over from before', 'Anna');
    await data.takeAlong('passphrase', 'kastanie laterne', 'Anna');
    await data.takeAlong('passkey', 'left over from before', 'Anna');
    expect(asked.map(({ input }) => input)).toEqual([
      {},
      { passphrase: 'kastanie laterne' },
      { passkeySecret: secret },
    ]);
    expect(saved).toEqual(['anna.hearth', 'anna.hearth', 'anna.hearth']);
  });

  it('is not written when the passkey gave nothing', async () => {
    const { data, asked, saved } = open(false);
    await data.takeAlong('passkey', '', 'Anna');
    expect([asked.length, saved.length, data.passkeyRefusalOf('export'), data.passkeyRefusalOf('import')]).toEqual([
      0,
      0,
      'given-up',
      null,
    ]);
  });

  it('is read back with its counts', async () => {
    const { data, asked } = open();
    await data.read(new File([new Uint8Array([9])], 'anna.hearth'), 'passphrase', 'kastanie laterne');
    expect(asked[0]?.input).toEqual({ file: new Uint8Array([9]), passphrase: 'kastanie laterne' });
    expect(data.imported).toEqual({ events: 3, refused: 1, tookKeys: false });
  });
});
