import { describe, expect, it } from 'vitest';
import { devicesCard, devicesErase, devicesExport, devicesImport } from '../../src/lib/contracts/devices.ts';
import { libraryCorpora, libraryIngest } from '../../src/lib/contracts/library.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import { encodeExport, openExportFile } from '../../src/lib/node/export-file.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createSeededKeyring } from '../support/node-crypto.ts';
import {
  call,
  found,
  hears,
  isIn,
  letIn,
  newNetwork,
  now,
  refusal,
  say,
  startDevice,
  type TestDevice,
} from './devices-fixture.ts';
import { hashOf, platformCrypto } from './street-fixture.ts';

const passphrase = 'drei Hasen im Klee';
const well = {
  corpus: 'street-notes',
  visibility: 'private' as const,
  fileName: 'well.md',
  bytes: new TextEncoder().encode(
    '# Well\n\nThe old hand pump stands behind the bakery; its key hangs at the bakery door.\n',
  ),
};

const annaAndBora = async () => {
  const network = newNetwork();
  const [anna, bora] = [await startDevice('anna', network), await startDevice('bora', network)];
  await found(anna, 'Anna');
  await letIn(anna, bora, 'Bora');
  await say(anna, 'Wasser gibt es am Brunnen');
  await hears(bora, 'Wasser gibt es am Brunnen');
  await call(anna, libraryIngest, well);
  return { network, anna, bora };
};

const holds = (file: Uint8Array, part: Uint8Array): boolean => Buffer.from(file).includes(Buffer.from(part));

/** The root entropy of a test device, as its keyring makes it from its seed. */
const entropyOf = async ({ name }: TestDevice): Promise<Uint8Array> =>
  (await (await createSeededKeyring(new TextEncoder().encode(name)).open()).root?.entropy()) ?? new Uint8Array(0);

describe("anna's data as a file", () => {
  it('holds no private key unless she seals it, and then only sealed', async () => {
    const { anna } = await annaAndBora();
    const entropy = await entropyOf(anna);
    expect(entropy).toHaveLength(16);
    const { words } = await call(anna, devicesCard, {});
    const open = await call(anna, devicesExport, {});
    const sealed = await call(anna, devicesExport, { passphrase });
    for (const { file } of [open, sealed]) {
      expect(holds(file, entropy)).toBe(false);
      expect(holds(file, new TextEncoder().encode(words.join(' ')))).toBe(false);
    }
    expect(unwrap(await openExportFile(platformCrypto, open.file)).header.seal).toBeNull();
    expect(unwrap(await openExportFile(platformCrypto, sealed.file)).header.seal).not.toBeNull();
    expect(open.name).toMatch(/^hearthnet-\d{4}-\d{2}-\d{2}\.hearth$/);
  });

  it('with sealed keys makes a fresh device hers: the log and her documents are there, and a neighbour lets it in', async () => {
    const { network, anna, bora } = await annaAndBora();
    const { file } = await call(anna, devicesExport, { passphrase });
    const { person } = await now(anna, nodeInfoCapability, {});
    await anna.stop();
    const fresh = await startDevice('fresh', network);
    expect(await refusal(fresh, devicesImport, { file, passphrase: 'drei Hasen im Kohl' })).toBe('seal-key');
    expect(await refusal(fresh, devicesImport, { file })).toBe('export-key-needed');
    expect(await call(fresh, devicesImport, { file, passphrase })).toMatchObject({ refused: 0, tookKeys: true });
    await fresh.restarted();
    expect(await now(fresh, nodeInfoCapability, {})).toMatchObject({
      person,
      membership: 'none',
      name: 'Anna',
      community: { name: 'Lindenstrasse' },
    });
    const { documents } = await now(fresh, libraryCorpora, {});
    expect(documents.map(({ corpus }) => corpus)).toContain('street-notes');
    const { waiting } = await letIn(bora, fresh, 'Anna');
    expect(waiting).toMatchObject({ isKnownPerson: true, person });
    await isIn(fresh);
    await hears(fresh, 'Wasser gibt es am Brunnen');
  });

  it('opens with a passkey of 32 bytes as well, and with no other', async () => {
    const { network, anna } = await annaAndBora();
    const { file } = await call(anna, devicesExport, { passkeySecret: hashOf('prf') });
    const fresh = await startDevice('fresh', network);
    expect(await refusal(fresh, devicesImport, { file, passkeySecret: hashOf('another') })).toBe('seal-key');
    expect(await call(fresh, devicesImport, { file, passkeySecret: hashOf('prf') })).toMatchObject({ tookKeys: true });
    await fresh.restarted();
  });

  it('without keys is of no use to a fresh device, and brings back to hers what its disk had lost', async () => {
    const { network, anna, bora } = await annaAndBora();
    const { file } = await call(anna, devicesExport, {});
    const fresh = await startDevice('fresh', network);
    expect(await refusal(fresh, devicesImport, { file })).toBe('export-without-keys');
    expect(await call(bora, devicesImport, { file })).toEqual({ events: 0, refused: 0, tookKeys: false });
  });

  it('of another neighbourhood is refused, whoever made it', async () => {
    const { bora } = await annaAndBora();
    const chen = await startDevice('chen', newNetwork());
    await found(chen, 'Chen');
    const { file } = await call(chen, devicesExport, {});
    expect(await refusal(bora, devicesImport, { file })).toBe('export-foreign');
  });

  it('with an event that was changed in it gives that event no effect, although the file was made to look whole', async () => {
    const { anna } = await annaAndBora();
    const { file } = await call(anna, devicesExport, {});
    const opened = unwrap(await openExportFile(platformCrypto, file));
    const events = [...opened.records()].flatMap((each) => (each.kind === 'events' ? each.events : []));
    const forged = events.map(({ envelope, payload }) => ({
      envelope: envelope.with(60, (envelope[60] ?? 0) ^ 1),
      payload,
    }));
    const tampered = await encodeExport(platformCrypto, opened.header, { events: forged, proofs: [], documents: [] });
    const size = anna.node().current()?.log.size;
    const { events: taken, refused } = await call(anna, devicesImport, { file: tampered });
    expect(taken).toBe(0);
    expect(refused).toBeGreaterThan(0);
    expect(anna.node().current()?.log.size).toBe(size);
  });

  it('is not sealed by a passphrase that is too short', async () => {
    const anna = await startDevice('anna', newNetwork());
    expect(await refusal(anna, devicesExport, { passphrase: 'elf Zeichen' })).toBe('passphrase-short');
  });
});

describe('erasing', () => {
  it('asks for the word', async () => {
    const anna = await startDevice('anna', newNetwork());
    expect(await refusal(anna, devicesErase, { confirm: 'yes' })).toBe('erase-word');
    expect(await refusal(anna, devicesErase, { confirm: '' })).toBe('erase-word');
    expect(await refusal(anna, devicesErase, { confirm: ' LÖSCHEN ' })).toBe('not-here');
  });
});
