import type { Caller, PermitViews, Policy, Role } from './capability.ts';
import { failure, type Failure } from '../errors.ts';
import { limits } from '../limits.ts';
import { err, ok, type Result } from '../result.ts';
import type { JudgeToken, TokenGrant } from './token-view.ts';

/** What the first gate may look at: the facts folded from the log, and who judges a token. Without a judge no token counts. */
export type GateViews = PermitViews & { readonly judgeToken?: JudgeToken | undefined };

/**
 * The first gate, before input is parsed and before routing, for local and remote callers alike. Default deny: whatever is not
 * named here is refused. The role decides; where it is too low, a token may raise a neighbour's device for exactly the command it
 * names, never to what is `self`. The grants are what the caller stands on when the role was not enough: one of them must also
 * permit the input. Empty when the role was.
 */
export const authorize = async (
  caller: Caller,
  capability: { readonly name: string; readonly policy: Policy },
  params: Readonly<Record<string, string>>,
  tokens: readonly Uint8Array[],
  views: GateViews,
): Promise<Result<readonly TokenGrant[], Failure>> => {
  if (!areBounded(params) || tokens.length > limits.tokensPerCallMax) return err(failure('bad_request', 'params'));
  const refused = judgeRole(caller, capability.policy, views);
  if (refused === null) return ok([]);
  if (caller.kind !== 'device' || capability.policy === 'self' || !views.judgeToken) return err(refused);
  const question = {
    audience: caller.device,
    command: capability.name,
    holdsRight: (device: string) => holdsRight(device, capability.policy, views),
  };
  const grants: TokenGrant[] = [];
  let firstRefusal: Failure | null = null;
  for (const token of tokens) {
    const judged = await views.judgeToken(token, question);
    if (judged.ok) grants.push(judged.value);
    else firstRefusal ??= judged.error;
  }
  return grants.length > 0 ? ok(grants) : err(firstRefusal ?? refused);
};

/** Whether a device may call by what it is. Asked too of who gave a token, and before one is given. */
export const holdsRight = (device: string, policy: Policy, views: PermitViews): boolean =>
  judgeRole({ kind: 'device', device }, policy, views) === null;

const judgeRole = (caller: Caller, policy: Policy, views: PermitViews): Failure | null => {
  if (caller.kind === 'self') return null;
  if (caller.kind !== 'device') return failure('unauthorized', 'caller-unknown');
  if (policy === 'self') return failure('forbidden', 'self-only');
  if (policy === 'open') return null;
  const needed = rankByRole[policy];
  if (needed === undefined) return failure('forbidden', 'policy-unknown');
  const role = views.roleOf(caller.device);
  if (role === null) return failure('unauthorized', 'not-a-member');
  return rankByRole[role] >= needed ? null : failure('forbidden', 'role-too-low');
};

const rankByRole: Readonly<Record<Role, number>> = { member: 1, trusted: 2, anchor: 3 };

const areBounded = (params: Readonly<Record<string, string>>): boolean => {
  const entries = Object.entries(params);
  return (
    entries.length <= limits.callParamsMax &&
    entries.every(([name, text]) => name.length <= limits.callParamCharsMax && text.length <= limits.callParamCharsMax)
  );
};
