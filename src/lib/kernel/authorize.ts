import type { Caller, PermitViews, Policy, Role } from './capability.ts';
import { failure, type Failure } from './errors.ts';

/**
 * The first gate, before input is parsed and before routing, for local and remote callers alike. Default deny:
 * whatever is not named here is refused. (Tokens join here with "Truth".)
 */
export const authorize = (caller: Caller, policy: Policy, views: PermitViews): Failure | null => {
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
