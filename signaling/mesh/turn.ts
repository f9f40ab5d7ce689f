import { createHmac } from 'node:crypto';
import type { MeshIceServer } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { limits } from '../../src/lib/kernel/wire/signal.ts';

/** The TURN server that whoever runs this one named; its secret stays here, clients get credentials that end. */
export type TurnServer = { readonly urls: readonly string[]; readonly secret: string };

/** Credentials as coturn's `use-auth-secret` reads them: the user name is when they end and a word, the password its HMAC-SHA-1. */
export const turnCredentials = (turn: TurnServer | null, nowMs: number, word: string): readonly MeshIceServer[] => {
  if (turn === null) return [];
  const username = `${Math.floor(nowMs / 1000) + limits.turnCredentialS}:${word}`;
  const credential = createHmac('sha1', turn.secret).update(username).digest('base64');
  return [{ urls: turn.urls, username, credential }];
};
