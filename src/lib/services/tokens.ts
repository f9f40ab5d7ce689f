import {
  tokensAccept,
  tokensAttenuate,
  tokensIssue,
  tokensList,
  tokensRevoke,
  type TokenPolicyInput,
  type TokenView,
} from '../contracts/tokens.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { ok, type Result } from '../kernel/result.ts';

export type IssueWish = {
  readonly audience: string;
  readonly command: string;
  readonly policy: TokenPolicyInput;
  readonly hours: number;
};
export type HandOnWish = {
  readonly id: string;
  readonly audience: string;
  readonly command?: string | undefined;
  readonly policy: TokenPolicyInput;
  readonly hours?: number | undefined;
};
export type IssuedToken = { readonly id: string; readonly token: string };

/** What can be done with tokens, as the composition root makes it from keys, store and log. */
export type TokenActs = {
  issue(wish: IssueWish): Promise<Result<IssuedToken, Failure>>;
  attenuate(wish: HandOnWish): Promise<Result<IssuedToken, Failure>>;
  accept(token: string): Promise<Result<{ id: string }, Failure>>;
  list(): TokenView[];
  revoke(id: string): Promise<Result<object, Failure>>;
};

/** Tokens this device gives, holds and takes back. For own screens only; a neighbour meets tokens at the bus's first gate. */
export const createTokens = ({ bus, acts }: { bus: Bus; acts: TokenActs }): Startable => {
  const stops = createStops();
  return {
    start: () => {
      stops.add(bus.register(tokensIssue, (wish) => acts.issue(wish)));
      stops.add(bus.register(tokensAttenuate, (wish) => acts.attenuate(wish)));
      stops.add(bus.register(tokensAccept, ({ token }) => acts.accept(token)));
      stops.add(bus.register(tokensList, () => ok({ tokens: acts.list() })));
      stops.add(bus.register(tokensRevoke, ({ id }) => acts.revoke(id)));
    },
    stop: stops.run,
  };
};
