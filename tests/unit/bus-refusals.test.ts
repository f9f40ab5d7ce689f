import { describe, expect, it } from 'vitest';
import { failureCodes, isFailureCode } from '../../src/lib/kernel/errors.ts';
import { messages as german } from '../../src/lib/i18n/messages/de.ts';
import { messages as english } from '../../src/lib/i18n/messages/en.ts';

const codes = Object.keys(failureCodes);
const retryRules: unknown[] = ['never', 'later', 'elsewhere', 'idempotent'];

describe('every refusal', () => {
  it('is one of the closed list of the protocol, each with a rule whether to try again', () => {
    expect(codes.toSorted()).toEqual(
      (
        'bad_request schema_mismatch not_found unauthorized forbidden revoked expired token_invalid token_expired ' +
        'token_scope_insufficient rate_limited capacity_exceeded timeout cancelled unknown_outcome partition peer_offline ' +
        'unavailable quota_full too_large not_implemented internal'
      )
        .split(' ')
        .toSorted(),
    );
    expect(Object.values(failureCodes).filter(({ retry }) => !retryRules.includes(retry))).toEqual([]);
    for (const odd of ['toString', '__proto__', '', 'OK', 7, null, undefined]) expect(isFailureCode(odd)).toBe(false);
  });

  it('has two sentences in both languages: one for who was refused, another for who refused', () => {
    for (const messages of [english, german] as const) {
      const texts = new Map<string, string>(Object.entries(messages));
      for (const code of codes) {
        const [own, remote] = [texts.get(`failure.${code}`) ?? '', texts.get(`failure.${code}.remote`) ?? ''];
        for (const sentence of [own, remote]) {
          expect(sentence, code).toMatch(/^\p{Lu}.*[.!]$/u);
          // A person reads it: no code, no word of ours.
          expect(sentence, code).not.toContain('_');
          expect(sentence.length, code).toBeLessThanOrEqual(120);
        }
        expect(own, code).not.toBe(remote);
      }
    }
  });
});
