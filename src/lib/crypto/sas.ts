import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { hkdf } from './hkdf.ts';

/** Six emoji out of 64 (36 bits) that both ends of one handshake see and nobody between them can choose. */
export const sasEmoji = async (crypto: CryptoPort, transcript: Uint8Array): Promise<string[]> => {
  const bytes = await hkdf(crypto, transcript, 'HN-SAS', undefined, 6);
  return Array.from(bytes, (byte) => emoji[byte & 63] ?? '?');
};

/** Things that look different in every font and have a plain name in every language. */
const emoji = [
  ...['🐶', '🐱', '🦁', '🐴', '🦄', '🐷', '🐘', '🐰', '🐼', '🐓', '🐧', '🐢', '🐟', '🐙', '🦋', '🌷'],
  ...['🌳', '🌵', '🍄', '🌍', '🌙', '☁️', '🔥', '🍌', '🍎', '🍓', '🌽', '🍕', '🎂', '❤️', '😀', '🤖'],
  ...['🎩', '👓', '🔧', '🎅', '👍', '☂️', '⌛', '⏰', '🎁', '💡', '📕', '✏️', '📎', '✂️', '🔒', '🔑'],
  ...['🔨', '☎️', '🏁', '🚂', '🚲', '✈️', '🚀', '🏆', '⚽', '🎸', '🎺', '🔔', '⚓', '🎧', '📁', '📌'],
];
