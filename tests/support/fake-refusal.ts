import type { FailureCode } from '../../src/lib/kernel/errors.ts';

/** A fake refusal: fake-connection.ts turns it into the failure of the reply. */
export type Refusal = { readonly refused: FailureCode; readonly reason: string };
export const refuse = (refused: FailureCode, reason: string): Refusal => ({ refused, reason });
export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'refused' in value && typeof value.refused === 'string';
