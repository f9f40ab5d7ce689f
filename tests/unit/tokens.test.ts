import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseToken, signToken } from '../../src/lib/crypto/token.ts';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { TokenPolicy } from '../../src/lib/kernel/bus/token-policy.ts';
import {
  anna,
  bora,
  chainOf,
  chen,
  createTestCourt,
  dilek,
  epoch,
  eva,
  fieldsFor,
  filled,
  linksOf,
  mallory,
  nowSeconds,
  type Holder,
} from './token-fixture.ts';

const fromHex = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, 'hex'));
const asked = (audience: Holder, command = 'test.echo', right: (device: string) => boolean = () => true) => ({
  audience: audience.device,
  command,
  holdsRight: right,
});

describe('a token', () => {
  it('of two links has 450 bytes, four of them fit the bound, and a link is read back as it was written', async () => {
    const two = await chainOf([anna, bora, chen]);
    expect(two.length).toBe(450);
    const [first, second] = linksOf(two);
    expect(first).toMatchObject({ ...fieldsFor(bora, first), issuer: anna.signing.publicKey, parent: null });
    expect(second?.parent).toEqual(first?.hash);
    const policy: TokenPolicy = {
      max: { k: 8 },
      oneOf: { corpora: ['street-notes', 'recipes'] },
      prefix: { query: 'water' },
      rpm: 60,
    };
    const four = await chainOf(
      [anna, bora, chen, dilek, eva],
      Array.from({ length: 4 }, () => ({ policy })),
    );
    expect(linksOf(four)).toHaveLength(4);
    expect(four.length).toBeLessThan(limits.tokenBytesMax);
  });

  it('of anna lets bora call, and chen to whom bora handed it on, and nobody else', async () => {
    const { judge } = createTestCourt();
    const direct = await chainOf([anna, bora]);
    const handedOn = await chainOf([anna, bora, chen]);
    expect(await judge(direct, asked(bora))).toMatchObject({ ok: true });
    expect(await judge(handedOn, asked(chen))).toMatchObject({ ok: true });
    expect(await judge(direct, asked(chen))).toMatchObject({
      error: { code: 'token_invalid', reason: 'token-audience' },
    });
    expect(await judge(handedOn, asked(bora))).toMatchObject({ error: { reason: 'token-audience' } });
  });

  it('is worth nothing when who gave it does not hold the right, however good its signature is', async () => {
    const { judge } = createTestCourt();
    const onlyAnna = (device: string) => device === anna.device;
    expect(await judge(await chainOf([anna, bora]), asked(bora, 'test.echo', onlyAnna))).toMatchObject({ ok: true });
    expect(await judge(await chainOf([mallory, bora]), asked(bora, 'test.echo', onlyAnna))).toMatchObject({
      error: { code: 'token_invalid', reason: 'token-issuer-right' },
    });
  });

  it('counts from ten minutes before its time until the second it ends', async () => {
    const { judge, facts } = createTestCourt();
    const token = await chainOf([anna, bora], [{ notBefore: nowSeconds, expires: nowSeconds + 100 }]);
    const at = async (seconds: number) => {
      facts.now = nowSeconds + seconds;
      const judged = await judge(token, asked(bora));
      return judged.ok ? 'stands' : judged.error.reason;
    };
    expect(await at(-601)).toBe('token-early');
    expect(await at(-600)).toBe('stands');
    expect(await at(99)).toBe('stands');
    expect(await at(100)).toBe('token-expired');
  });

  it('ends with its epoch, with a revocation of any of its links, and outside of its community', async () => {
    const { judge, facts, revoked } = createTestCourt();
    const token = await chainOf([anna, bora, chen]);
    facts.epoch = filled(16, 0xe1);
    expect(await judge(token, asked(chen))).toMatchObject({ error: { code: 'token_expired', reason: 'token-epoch' } });
    facts.epoch = epoch;
    facts.community = filled(16, 0xc1);
    expect(await judge(token, asked(chen))).toMatchObject({ error: { reason: 'token-community' } });
    facts.community = null;
    expect(await judge(token, asked(chen))).toMatchObject({ error: { reason: 'token-community' } });
    facts.community = filled(16, 0xc0);
    for (const { hash } of linksOf(token)) {
      revoked.add(bytesToText(hash));
      expect(await judge(token, asked(chen))).toMatchObject({ error: { code: 'revoked' } });
      revoked.clear();
    }
    expect(await judge(token, asked(chen))).toMatchObject({ ok: true });
  });

  it('that stood is remembered by its bytes: neither keys nor signatures are looked at again', async () => {
    const { judge, verdicts } = createTestCourt();
    const token = await chainOf([anna, bora, chen]);
    expect((await judge(token, asked(chen))).ok).toBe(true);
    expect(verdicts.asked).toBe(2);
    expect((await judge(token, asked(chen))).ok).toBe(true);
    expect(verdicts.asked).toBe(2);
    const other = token.map((byte, at) => (at === token.length - 1 ? byte ^ 1 : byte));
    expect(await judge(other, asked(chen))).toMatchObject({ error: { reason: 'token-signature' } });
  });

  it('that stood is asked again for everything that can change', async () => {
    const { judge, facts, revoked } = createTestCourt();
    const token = await chainOf([anna, bora, chen]);
    const said = async (question = asked(chen)): Promise<string> => {
      const judged = await judge(token, question);
      return judged.ok ? 'stands' : judged.error.reason;
    };
    expect(await said()).toBe('stands');
    expect(await said(asked(mallory))).toBe('token-audience');
    expect(await said(asked(chen, 'test.other'))).toBe('token-command');
    expect(await said(asked(chen, 'test.echo', (device) => device !== anna.device))).toBe('token-issuer-right');
    for (const { hash } of linksOf(token)) {
      revoked.add(bytesToText(hash));
      expect(await said()).toBe('token-revoked');
      revoked.clear();
    }
    facts.epoch = filled(16, 0xe1);
    expect(await said()).toBe('token-epoch');
    facts.epoch = epoch;
    facts.community = null;
    expect(await said()).toBe('token-community');
    facts.community = filled(16, 0xc0);
    facts.now = nowSeconds - limits.tokenSkewSeconds - 3_600;
    expect(await said()).toBe('token-early');
    facts.now = nowSeconds + 7_200;
    expect(await said()).toBe('token-expired');
    facts.now = nowSeconds;
    expect(await said()).toBe('stands');
  });

  it('of another arity, version, command or life is refused with the check that refused it', async () => {
    const refusal = async (change: (body: Cbor[]) => Cbor): Promise<string> => {
      const link = fieldsFor(bora);
      const body = [
        1,
        anna.signing.publicKey,
        link.audience,
        link.community,
        link.command,
        {},
        link.notBefore,
        link.expires,
        link.nonce,
        null,
        link.epoch,
      ];
      const bytes = encodeCbor([[encodeCbor(change(body)), filled(64, 0)]]);
      const parsed = parseToken(bytes);
      return parsed.ok ? 'taken' : parsed.error;
    };
    const at = (index: number, value: Cbor) => (body: Cbor[]) =>
      body.map((part, here) => (here === index ? value : part));
    expect(await refusal((body) => body)).toBe('taken');
    expect(await refusal((body) => [...body, 0])).toBe('token-malformed');
    expect(await refusal((body) => body.slice(0, 10))).toBe('token-malformed');
    expect(await refusal(at(0, 2))).toBe('token-version');
    expect(await refusal(at(2, '*'))).toBe('token-malformed');
    expect(await refusal(at(2, null))).toBe('token-malformed');
    for (const command of ['', '*', '.', 'test', 'test..echo', 'Test.echo', 'test.echo@1.0', 'a.b'.repeat(40)])
      expect([command, await refusal(at(4, command))]).toEqual([command, 'token-command']);
    for (const policy of [
      null,
      [],
      { min: { k: 1 } },
      { max: {} },
      { max: { k: 'x' } },
      { oneOf: { k: [] } },
      { oneOf: { k: ['a', 'a'] } },
      { prefix: { q: '' } },
      { rpm: 0 },
      { max: { 'a.b': 1 } },
    ])
      expect([policy, await refusal(at(5, policy))]).toEqual([policy, 'token-policy']);
    expect(await refusal(at(6, nowSeconds + 3_600))).toBe('token-life');
    expect(await refusal(at(7, nowSeconds + limits.tokenLifeMaxMs / 1000))).toBe('token-life');
    expect(await refusal(at(9, filled(31, 0)))).toBe('token-malformed');
    expect(parseToken(encodeCbor([]))).toMatchObject({ error: 'token-links' });
    expect(parseToken(filled(limits.tokenBytesMax + 1, 0))).toMatchObject({ error: 'token-too-large' });
  });

  it('hands on what it says and no more: the link that widens is refused', async () => {
    const { judge } = createTestCourt();
    const token = await chainOf([anna, bora], [{ policy: { max: { k: 5 } } }]);
    const handOn = async (wish: Parameters<typeof fieldsFor>[1]) => {
      const judged = await judge(await signToken(bora.signing, linksOf(token), fieldsFor(chen, wish)), asked(chen));
      return judged.ok ? 'stands' : judged.error.reason;
    };
    const policy = { max: { k: 5 } };
    expect(await handOn({ policy })).toBe('stands');
    expect(await handOn({ policy: { max: { k: 4, n: 1 } } })).toBe('stands');
    expect(await handOn({ policy: { max: { k: 6 } } })).toBe('token-widened-policy');
    expect(await handOn({ policy: {} })).toBe('token-widened-policy');
    expect(await handOn({ policy, command: 'test.' })).toBe('token-widened-command');
    expect(await handOn({ policy, expires: nowSeconds + 3_601 })).toBe('token-widened-time');
    expect(await handOn({ policy, notBefore: nowSeconds - 61 })).toBe('token-widened-time');
  });

  it('of the golden vectors stands for chen in its time, and the first of them for bora', async () => {
    const vectors = JSON.parse(readFileSync(new URL('../vectors/tokens.json', import.meta.url), 'utf8'));
    const { judge, facts } = createTestCourt();
    facts.now = 14_342_400;
    facts.epoch = fromHex(vectors.epoch);
    facts.community = fromHex(vectors.community);
    const giver = bytesToText(fromHex(vectors.keys.anna));
    const ask = (token: string, by: string, command: string) =>
      judge(fromHex(token), {
        audience: bytesToText(fromHex(by)),
        command,
        holdsRight: (device) => device === giver,
      });
    expect(await ask(vectors.given.token, vectors.keys.bora, 'library.read')).toMatchObject({ ok: true });
    expect(await ask(vectors.handedOn.token, vectors.keys.chen, 'library.search')).toMatchObject({ ok: true });
    expect(await ask(vectors.handedOn.token, vectors.keys.chen, 'library.read')).toMatchObject({ ok: false });
  });
});
