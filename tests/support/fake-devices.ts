import { devices, emoji, id, startedAt } from './fake-people.ts';
import { refuse } from './fake-refusal.ts';

const day = 24 * 3600_000;
const words = 'ocean tiger window basket maple river candle north honey stone garden lamp'.split(' ');

/**
 * The own devices of the fake scene: `people` has three and a new one at the door, `rootless` may not manage them, `retired`
 * has given itself up.
 */
export const createFakeDevices = (story: string, change: () => Record<string, never>) => {
  const own = { device: devices.anna, isSelf: true, state: 'active', since: startedAt - 90 * day, lastHeardAt: null };
  const state = {
    devices: [own] as Record<string, unknown>[],
    hasRoot: story !== 'rootless',
    cardShownAt: null as number | null,
    cardTestedAt: null as number | null,
    linking: [] as unknown[],
    linkCode: null as { code: string; expiresAt: number } | null,
    retiredReason: story === 'retired' ? 'own-behind' : '',
  };
  if (story === 'people' || story === 'rootless') {
    state.devices = [
      own,
      { ...own, isSelf: false, device: id('M'), since: startedAt - 8 * day, lastHeardAt: Date.now() - 5 * 60_000 },
      { ...own, isSelf: false, device: id('K'), state: 'frozen', since: startedAt - 40 * day },
      { ...own, isSelf: false, device: id('L'), state: 'revoked', since: startedAt - 200 * day },
    ];
  }
  if (story === 'linking') state.linking = [{ request: id('R'), emoji, since: Date.now() }];

  const answers: Record<string, (input: Record<string, unknown>) => unknown> = {
    'devices.list': () => ({ ...state }),
    'devices.linkCode': () => {
      state.linkCode = { code: 'HN1_' + 'd7Qe2'.repeat(20), expiresAt: Date.now() + 15 * 60_000 };
      change();
      return state.linkCode;
    },
    'devices.confirm': () => {
      state.linking = [];
      return change();
    },
    'devices.revoke': ({ device }) => {
      state.devices = state.devices.map((one) => (one.device === device ? { ...one, state: 'revoked' } : one));
      return change();
    },
    'devices.card': () => {
      state.cardShownAt = Date.now();
      change();
      return { words, qr: 'hearthnet:card:' + 'k3Jx9Qe2'.repeat(3) };
    },
    'devices.testCard': (input) => {
      const asked = input.words as { position: number; word: string }[];
      const isRight = asked.every(({ position, word }) => words[position] === word);
      if (isRight) state.cardTestedAt = Date.now();
      change();
      return { isRight };
    },
    'devices.export': () => ({ file: new Uint8Array(48_200), name: 'hearthnet-2026-11-23.hearth' }),
    'devices.import': ({ passphrase }) =>
      passphrase === 'wrong wrong wrong'
        ? refuse('bad_request', 'seal-key')
        : { events: 1204, refused: 0, tookKeys: passphrase !== undefined },
    'devices.erase': () => change(),
  };
  return answers;
};
