import { describe, expect, it } from 'vitest';
import { openExport, sealExport, type ExportKey } from '../../src/lib/crypto/export-seal.ts';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { encodeExport, openExportFile, type ExportHeader } from '../../src/lib/node/export-file.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf, platformCrypto } from './street-fixture.ts';

const random = seededRandom('exports');
const plain = utf8('root entropy 16!');
const passphrase = (text: string): ExportKey => ({ kind: 'passphrase', passphrase: text });
const long = passphrase('vier Löwen im Garten');
const context = hashOf('community').slice(0, 16);
const seal = async (key: ExportKey) =>
  unwrap(await sealExport({ crypto: platformCrypto, random }, plain, key, context, 15));
const errorOf = (read: { ok: boolean; error?: unknown }) => (read.ok ? 'opened' : read.error);

describe('the seal of an export', () => {
  it('opens with the passphrase, however its umlauts are composed, and with nothing else', async () => {
    const sealed = await seal(long);
    const decomposed = passphrase('vier Löwen im Garten'.normalize('NFD'));
    expect(await openExport(platformCrypto, sealed, decomposed, context)).toEqual({ ok: true, value: plain });
    const wrong = await openExport(platformCrypto, sealed, passphrase('vier Löwen im garten'), context);
    expect(errorOf(wrong)).toBe('seal-key');
    const passkey = await openExport(platformCrypto, sealed, { kind: 'passkey', secret: hashOf('prf') }, context);
    expect(errorOf(passkey)).toBe('seal-kind');
  });

  it("opens with the passkey's 32 bytes, and not with another passkey's", async () => {
    const sealed = await seal({ kind: 'passkey', secret: hashOf('prf') });
    const open = async (secret: Uint8Array) => openExport(platformCrypto, sealed, { kind: 'passkey', secret }, context);
    expect(await open(hashOf('prf'))).toEqual({ ok: true, value: plain });
    expect(errorOf(await open(hashOf('other')))).toBe('seal-key');
    expect(errorOf(await open(new Uint8Array(31)))).toBe('passkey-secret');
  });

  it('takes no passphrase of fewer than twelve characters', async () => {
    const short = await sealExport({ crypto: platformCrypto, random }, plain, passphrase('elf Zeichen'), context, 15);
    expect(errorOf(short)).toBe('passphrase-short');
    expect('elf Zeichen').toHaveLength(11);
  });

  it('does not open in the file of another neighbourhood, nor when one bit of it was changed', async () => {
    const sealed = await seal({ kind: 'passkey', secret: hashOf('prf') });
    const open = async (bytes: Uint8Array, named: Uint8Array) =>
      errorOf(await openExport(platformCrypto, bytes, { kind: 'passkey', secret: hashOf('prf') }, named));
    expect(await open(sealed, hashOf('elsewhere').slice(0, 16))).toBe('seal-key');
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.with(at, (sealed[at] ?? 0) ^ 1);
      expect(await open(changed, context)).not.toBe('opened');
    }
  });

  it('asks for no more memory than a phone has, and for no less than a guess should cost, whatever the file says', async () => {
    for (const log2N of [1, limits.scryptLog2Min - 1, limits.scryptLog2Max + 1, 40]) {
      const forged = encodeCbor([1, log2N, new Uint8Array(16), new Uint8Array(12), new Uint8Array(40)]);
      expect(errorOf(await openExport(platformCrypto, forged, long, context))).toBe('seal-malformed');
    }
  });
});

const header: ExportHeader = { community: context, name: 'Änne', signalUrl: '', madeAt: 1_000, seal: null };
const event = (n: number) => ({ envelope: hashOf(`event ${n}`), payload: n % 3 ? hashOf(`payload ${n}`) : null });
const wholeFile = () =>
  encodeExport(platformCrypto, header, {
    events: Array.from({ length: 300 }, (_, n) => event(n)),
    proofs: [hashOf('proof')],
    documents: [{ corpus: 'street', bytes: hashOf('document') }],
  });

describe('the file of an export', () => {
  it('is read back as it was written, in records of a bounded size', async () => {
    const file = unwrap(await openExportFile(platformCrypto, await wholeFile()));
    expect(file.header).toEqual(header);
    expect(file.events).toBe(300);
    const records = [...file.records()];
    expect(records.map(({ kind }) => kind)).toEqual(['events', 'events', 'events', 'proofs', 'document']);
    expect(records.flatMap((each) => (each.kind === 'events' ? each.events : []))).toEqual(
      Array.from({ length: 300 }, (_, n) => event(n)),
    );
  });

  it('that was damaged anywhere is refused before anything of it is taken', async () => {
    const bytes = await wholeFile();
    for (let at = 0; at < bytes.length; at += 7) {
      const opened = await openExportFile(platformCrypto, bytes.with(at, (bytes[at] ?? 0) ^ 0x40));
      expect(opened.ok).toBe(false);
    }
    for (const end of [0, 1, 4, 100, bytes.length - 1])
      expect((await openExportFile(platformCrypto, bytes.slice(0, end))).ok).toBe(false);
  });

  it('of a newer version, or of something else, says so', async () => {
    const framed = (value: Parameters<typeof encodeCbor>[0]) => {
      const body = encodeCbor(value);
      return [0, 0, body.length >> 8, body.length & 255, ...body];
    };
    const newer = Uint8Array.from([...framed(['hearthnet-export', 2, {}]), ...framed(['end', 0, new Uint8Array(32)])]);
    expect(errorOf(await openExportFile(platformCrypto, newer))).toBe('export-version');
    expect(errorOf(await openExportFile(platformCrypto, utf8('PK\u0003\u0004 something else entirely')))).toBe(
      'export-malformed',
    );
  });
});
