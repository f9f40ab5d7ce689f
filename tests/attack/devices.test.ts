import { describe, expect, it } from 'vitest';
import { certificateBody, readCertificateBody } from '../../src/lib/crypto/certificate.ts';
import { openExport, sealExport } from '../../src/lib/crypto/export-seal.ts';
import { areBytesEqual, utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { encodeExport, openExportFile } from '../../src/lib/node/export-file.ts';
import { encodeFrame, parseFrame } from '../../src/lib/replica/frames.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf, makePerson, platformCrypto } from '../unit/street-fixture.ts';
import { fuzz, harmless } from './fuzz-fixture.ts';

const header = { community: hashOf('c').slice(0, 16), name: 'Anna', signalUrl: '', madeAt: 1, seal: null };
const parts = {
  events: [1, 2, 3].map((n) => ({ envelope: hashOf(`e${n}`), payload: n === 2 ? null : hashOf(`p${n}`) })),
  proofs: [hashOf('proof')],
  documents: [{ fileName: 'well.md', bytes: hashOf('well') }],
};

describe('hostile files and frames of devices', () => {
  it('exports: 6,000 files, none that was touched is opened', async () => {
    const honest = await encodeExport(platformCrypto, header, parts);
    const tally = await fuzz(31, 6_000, [honest], async (bytes) => {
      if (areBytesEqual(bytes, honest)) return null;
      return (await openExportFile(platformCrypto, bytes)).ok ? false : null;
    });
    expect(tally).toMatchObject(harmless(6_000));
    expect(tally.taken).toBe(0);
  });

  it('seals: 4,000 inputs with the right key, none that was touched is opened', async () => {
    const key = { kind: 'passkey' as const, secret: hashOf('prf') };
    const deps = { crypto: platformCrypto, random: seededRandom('seals') };
    const honest = unwrap(await sealExport(deps, utf8('sixteen bytes..'), key, header.community));
    const tally = await fuzz(32, 4_000, [honest], async (bytes) => {
      if (areBytesEqual(bytes, honest)) return null;
      return (await openExport(platformCrypto, bytes, key, header.community)).ok ? false : null;
    });
    expect(tally).toMatchObject({ ...harmless(4_000), taken: 0 });
  });

  it('certificate bodies and certify frames: 10,000 inputs, whatever is taken has one spelling', async () => {
    const { certificate } = await makePerson('anna');
    const body = certificateBody(certificate);
    const bodies = await fuzz(33, 5_000, [body], (bytes) => {
      const fields = readCertificateBody(bytes);
      return fields && areBytesEqual(certificateBody(fields), bytes);
    });
    expect(bodies).toMatchObject(harmless(5_000));
    const frame = encodeFrame({ type: 'certify', body, signature: new Uint8Array(64), sealedRoot: hashOf('sealed') });
    const frames = await fuzz(34, 5_000, [frame], (bytes) => {
      const parsed = parseFrame(bytes);
      return parsed.ok ? areBytesEqual(encodeFrame(parsed.value), bytes) : null;
    });
    expect(frames).toMatchObject(harmless(5_000));
    expect(frames.taken).toBeGreaterThan(50);
  });

  it('a file that says it has records of more than the bound is refused before it is read', async () => {
    const lying = new Uint8Array(64);
    new DataView(lying.buffer).setUint32(0, limits.exportRecordBytesMax + 1);
    expect(await openExportFile(platformCrypto, lying)).toEqual({ ok: false, error: 'export-malformed' });
    new DataView(lying.buffer).setUint32(0, 0);
    expect(await openExportFile(platformCrypto, lying)).toEqual({ ok: false, error: 'export-malformed' });
  });
});
