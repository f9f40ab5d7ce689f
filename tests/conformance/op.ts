import { instance, length, pipe, type GenericSchema } from 'valibot';
import type { Cbor } from '../../src/lib/kernel/codec.ts';
import type { FailureCode } from '../../src/lib/kernel/errors.ts';
import { textToBytes } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { err, ok, type Err, type Result } from '../../src/lib/kernel/result.ts';

/** Why bytes or a call were not taken: the reason of docs/PROTOCOL.md, and the failure code where the protocol has one. */
export type Refused = { readonly reason: string; readonly code?: FailureCode };
export type Judged = Result<Cbor, Refused>;

/** One thing the other side may ask for: what the request must hold, and what comes of it. */
export type Work = {
  readonly fields: GenericSchema;
  readonly run: (fields: unknown) => Judged | Promise<Judged>;
};

/** The fields are parsed before `run` sees them, which is what makes the narrowing true. */
export const work = <T>(fields: GenericSchema<unknown, T>, run: (fields: T) => Judged | Promise<Judged>): Work => ({
  fields,
  run: run as (fields: unknown) => Judged | Promise<Judged>,
});

export const refused = (reason: string, code?: FailureCode): Err<Refused> =>
  err(code === undefined ? { reason } : { reason, code });

/** For results of the product whose error is its reason. */
export const judged = <T>(result: Result<T, string>, tell: (value: T) => Cbor): Judged =>
  result.ok ? ok(tell(result.value)) : refused(result.error);

export const anyBytes = instance(Uint8Array) as GenericSchema<unknown, Bytes>;
export const bytesOf = (count: number): GenericSchema<unknown, Bytes> =>
  pipe(instance(Uint8Array), length(count)) as GenericSchema<unknown, Bytes>;

/** An id that the product keeps as text, as the bytes that travel. */
export const idBytes = (id: string): Bytes => textToBytes(id) ?? new Uint8Array(0);
