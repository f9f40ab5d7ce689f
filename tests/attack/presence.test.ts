import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { areBytesEqual } from '../../src/lib/kernel/ids.ts';
import { createPresence } from '../../src/lib/services/presence.ts';
import { createTestBus } from '../unit/bus-fixture.ts';
import { createFakeLink, createFakeLinks } from '../unit/link-fixture.ts';
import { makePerson, platformCrypto } from '../unit/street-fixture.ts';
import { vectorUrl } from '../vectors/make.ts';
import { fuzz, harmless } from './fuzz-fixture.ts';

const { presence: presenceHex } = JSON.parse(readFileSync(vectorUrl('crypto.json'), 'utf8')) as { presence: string };
const honest = new Uint8Array(Buffer.from(presenceHex, 'hex'));
/** Bora of the vectors, whose key stands in the manifest itself. */
const boraDevice = bytesToText(honest.slice(Buffer.from(honest).indexOf(Buffer.from([0x58, 0x20])) + 2).slice(0, 32));

describe('attacks on presence', () => {
  it('3,000 changed manifests: none is believed, and the honest one still is', async () => {
    const { bus, clock } = createTestBus();
    const { keys } = await makePerson('anna');
    const refused: string[] = [];
    const presence = createPresence({
      bus,
      clock,
      crypto: platformCrypto,
      signing: keys.signing,
      links: createFakeLinks(),
      broadcast: () => {},
      isOffered: () => true,
      onRefused: (reason) => void refused.push(reason),
    });
    const link = createFakeLink(boraDevice);
    const tally = await fuzz(21, 3_000, [honest], async (bytes) => {
      if (areBytesEqual(bytes, honest)) return null;
      await presence.take(bytes, link);
      return bus.registry.remoteOffers(boraDevice).length === 0 ? null : false;
    });
    expect(tally).toMatchObject({ ...harmless(3_000), taken: 0 });
    expect(new Set(refused)).toEqual(new Set(['presence-malformed', 'presence-foreign', 'presence-signature']));
    await presence.take(honest, link);
    expect(bus.registry.remoteOffers(boraDevice).map(({ name }) => name)).toEqual(['library.search', 'mesh.ping']);
  }, 60_000);
});
