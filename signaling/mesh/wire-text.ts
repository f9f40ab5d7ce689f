import type { Bytes } from '../../src/lib/kernel/wire/mesh-wire.ts';

/** Tags, ids and boxes inside the server: base64url text, because Maps compare text and not bytes. */
export const textOfBytes = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');

export const bytesOfText = (text: string): Bytes => Buffer.from(text, 'base64url');
