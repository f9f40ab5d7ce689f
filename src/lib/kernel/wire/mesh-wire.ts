import type { Bytes } from './mesh-frames.ts';

/** The front door of the socket `/mesh`, as both `src/` and `signaling/` read it: its frames, its refusals, and what is signed on it. */
export * from './mesh-answers.ts';
export * from './mesh-frames.ts';
export * from './mesh-refusals.ts';
export * from './mesh-requests.ts';

/** What the pseudonym key signs to join. `host` is the one of the URL that was dialled (as `URL.host` spells it): another server cannot pass the challenge on. */
export const joinMessage = (nonce: Uint8Array, host: string): Bytes => joinBytes('HN-MESH1', nonce, text.encode(host));

/** What a box's key signs to open it for this connection. */
export const openMessage = (nonce: Uint8Array, host: string, box: Uint8Array): Bytes =>
  joinBytes('HN-BOX1', nonce, text.encode(host), box);

/** The first 16 bytes of the SHA-256 of this name the connection to others at the same tag. */
export const connectionIdInput = (key: Uint8Array): Bytes => joinBytes('HN-MESH-ID', key);

const text = new TextEncoder();

const joinBytes = (label: string, ...parts: readonly Uint8Array[]): Bytes => {
  const all = [text.encode(label), ...parts];
  const whole = new Uint8Array(all.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of all) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};
