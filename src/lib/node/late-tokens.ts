import { tokensAccept, tokensAttenuate, tokensIssue, tokensList, tokensRevoke } from '../contracts/tokens.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { JudgeToken, TokensFor } from '../kernel/bus/token-view.ts';
import { failure } from '../kernel/errors.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import { err, ok } from '../kernel/result.ts';
import { tokensKey } from './kept-tokens.ts';
import type { LateParts } from './late-parts.ts';
import { createLateService } from './late-service.ts';
import { loadOnce } from './load-part.ts';
import type { TokenBoxDeps, TokenBox } from './token-box.ts';

export type LateTokensDeps = TokenBoxDeps & { readonly part: LateParts['tokenRoom'] };

/** Stands in for the token box until there is a token: one that a neighbour shows, one that is kept here, or one to be made. */
export const createLateTokens = (deps: LateTokensDeps) => {
  let box: TokenBox | null = null;
  const room = loadOnce(async () => {
    const part = await deps.part();
    if (!part.ok) return part;
    const { createTokenBox, createTokens } = part.value.tokenRoom;
    box = createTokenBox(deps);
    await box.load();
    return ok({ box, createTokens });
  });
  /** A token that cannot be judged opens nothing: the caller hears that it is this device that lacks something. */
  const judge: JudgeToken = async (token, question) => {
    const opened = await room();
    return opened.ok ? opened.value.box.judge(token, question) : err(failure('unavailable', opened.error));
  };
  const tokensFor: TokensFor = (command) => box?.tokensFor(command) ?? [];
  return {
    judge,
    tokensFor,
    load: async (): Promise<void> => {
      if ((await deps.store.get(tokensKey)) !== undefined) await room();
    },
    service: (bus: Bus): Startable =>
      createLateService({
        bus,
        capabilities: [tokensIssue, tokensAttenuate, tokensAccept, tokensList, tokensRevoke],
        load: async () => {
          const opened = await room();
          if (!opened.ok) return opened;
          const { box: acting, createTokens } = opened.value;
          return ok((at: Bus) => [createTokens({ bus: at, acts: acting.acts })]);
        },
      }),
  };
};
