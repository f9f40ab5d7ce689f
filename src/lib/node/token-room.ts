import { createTokens } from '../services/tokens.ts';
import { createTokenBox } from './token-box.ts';

/** Tokens: few devices ever hold one. What judges, keeps and hands them on is loaded with the first. */
export const tokenRoom = { createTokenBox, createTokens } as const;
