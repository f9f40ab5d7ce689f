import type { Bytes } from '../kernel/ports/crypto.ts';

/** The tokens made for this device, and those it has made. */
export type KeptTokens = { readonly held: readonly Bytes[]; readonly issued: readonly Bytes[] };

/** Where the store keeps them; that there are some is told without loading what reads them. */
export const tokensKey = 'tokens';

/** What an older build or a damaged disk left in the wrong shape counts as never kept. */
export const readKeptTokens = (stored: unknown): KeptTokens => {
  const list = (side: keyof KeptTokens): Bytes[] => {
    const value = typeof stored === 'object' && stored !== null ? (stored as Record<string, unknown>)[side] : null;
    return Array.isArray(value) ? value.filter((token): token is Bytes => token instanceof Uint8Array) : [];
  };
  return { held: list('held'), issued: list('issued') };
};
