import { encodeCbor, type Cbor } from '../kernel/codec.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** A value that code of this device made: a fraction or a file in it is a mistake of that code, told as `bad_request`. */
export const encodeValue = (value: unknown, reason: string): Result<Bytes, Failure> => {
  try {
    return ok(encodeCbor(value as Cbor));
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return err(failure('bad_request', reason));
    throw error;
  }
};

/** One item of a stream as it travels. */
export const encodeItem = (item: unknown): Result<Bytes, Failure> => {
  const encoded = encodeValue(item, 'item-not-encodable');
  if (!encoded.ok || encoded.value.length <= limits.streamItemBytesMax) return encoded;
  return err(failure('too_large', 'item'));
};
