import { concatBytes } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';

/** One signature to check. */
export type Verification = {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
};

/** Between the threads of one node: a batch of checks in one buffer, and one byte (1 true, 0 false) for each in its order. */
export type VerifyRequest = { readonly batch: number; readonly bytes: Bytes };
export type VerifyReply = { readonly batch: number; readonly verdicts: Bytes };

/** Of every check the lengths of key, signature and message (4 bytes each, big endian) and then those bytes. */
export const packVerifications = (checks: readonly Verification[]): Bytes =>
  concatBytes(
    ...checks.flatMap(({ publicKey, signature, message }) => {
      const lengths = new DataView(new ArrayBuffer(12));
      lengths.setUint32(0, publicKey.length);
      lengths.setUint32(4, signature.length);
      lengths.setUint32(8, message.length);
      return [new Uint8Array(lengths.buffer), publicKey, signature, message];
    }),
  );

export const unpackVerifications = (bytes: Bytes): Verification[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const checks: Verification[] = [];
  for (let at = 0; at < bytes.length;) {
    const cut = (from: number, length: number): Bytes => bytes.subarray(from, from + length);
    const [keyLength, signatureLength, messageLength] = [
      view.getUint32(at),
      view.getUint32(at + 4),
      view.getUint32(at + 8),
    ];
    const key = at + 12;
    const signature = key + keyLength;
    const message = signature + signatureLength;
    checks.push({
      publicKey: cut(key, keyLength),
      signature: cut(signature, signatureLength),
      message: cut(message, messageLength),
    });
    at = message + messageLength;
  }
  return checks;
};

/** The helper's side: answers every batch on its port; null ends it. A check that throws counts as false. */
export const serveVerification = (
  port: MessagePort,
  crypto: Pick<CryptoPort, 'verify'>,
  onEnd: () => void = () => {},
): void => {
  port.addEventListener('message', ({ data }: MessageEvent<VerifyRequest | null>) => {
    if (data === null) {
      port.close();
      return onEnd();
    }
    const checks = unpackVerifications(data.bytes).map(({ publicKey, message, signature }) =>
      crypto.verify(publicKey, message, signature),
    );
    void Promise.allSettled(checks).then((settled) => {
      const verdicts = Uint8Array.from(settled, (each) => (each.status === 'fulfilled' && each.value ? 1 : 0));
      const reply: VerifyReply = { batch: data.batch, verdicts };
      port.postMessage(reply, [verdicts.buffer]);
    });
  });
  port.start();
};
