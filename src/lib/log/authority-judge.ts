import { bytesToHex, bytesToText } from '../kernel/ids.ts';
import type { Certificate } from '../crypto/certificate.ts';
import { isAtLeast, type AuthorityView } from './authority-index.ts';
import type { AnyEffective, VoidReason } from './effect.ts';
import { isGenesisHeader } from './event.ts';
import { parseIntent } from './intent.ts';
import type { Payload } from './kinds.ts';
import type { SettledAct } from './past.ts';
import type { Case, Judged, JudgeDeps, Verdict } from './authority-case.ts';
import { judgeCoSigned, judgeLeave, judgeRevoke } from './removal-judge.ts';

/** Decides whether an act has effect, by nothing but what its author knew. Pure; touches no key and no clock. */
export const judgeAct = (act: SettledAct, view: AuthorityView, deps: JudgeDeps): VoidReason | Judged => {
  const { effect } = act;
  if (typeof effect === 'string') return effect;
  if (effect.kind === 'community.genesis') return judgeGenesis(act, effect.body, deps);
  const author = authorOf(act, view);
  if ('reason' in author) return author.reason;
  const verdict = judgeKind(effect, { act, person: author.person, view, deps });
  if (typeof verdict === 'string') return verdict;
  return {
    person: author.person,
    rank: view.rankOf(author.person),
    ending: verdict.ending ?? null,
    note: (index) => verdict.note?.(index),
  };
};

const authorOf = ({ author }: SettledAct, view: AuthorityView): { person: string } | { reason: VoidReason } => {
  const naming = view.namingOf(author);
  if (!naming) return { reason: 'author-not-member' };
  const exit = view.exitOf(naming.person);
  if (exit) return { reason: exit };
  if (view.isRevoked(author)) return { reason: 'revoked' };
  return view.isMember(naming.person) ? { person: naming.person } : { reason: 'author-not-member' };
};

const judgeGenesis = (act: SettledAct, body: Payload<'community.genesis'>, deps: JudgeDeps): VoidReason | Judged => {
  if (!isGenesisHeader(act.entry.event.header)) return 'genesis-misplaced';
  const certificate = deps.witnesses.certificateOf(act.id);
  if (!certificate || bytesToText(certificate.device) !== act.author) return 'certificate';
  const person = bytesToText(certificate.root);
  return {
    person,
    rank: { depth: 0, person },
    ending: null,
    note: (index) => {
      index.noteNaming(namingBy(act, certificate));
      index.noteAdmission({ act, person, by: null, depth: 0, name: body.personName });
      index.noteGrant(act, person, 'anchor');
    },
  };
};

const judgeKind = (effect: AnyEffective, open: Omit<Case<never>, 'body'>): Verdict => {
  switch (effect.kind) {
    case 'community.admit':
      return judgeAdmit({ ...open, body: effect.body });
    case 'device.add':
      return judgeDeviceAdd({ ...open, body: effect.body });
    case 'community.key':
      return judgeKey({ ...open, body: effect.body });
    case 'community.promote':
      return judgePromote({ ...open, body: effect.body });
    case 'community.demote':
      return judgeCoSigned({ ...open, body: effect.body }, 'demote');
    case 'community.remove':
      return judgeCoSigned({ ...open, body: effect.body }, 'remove');
    case 'community.leave':
      return judgeLeave({ ...open, body: effect.body });
    case 'device.revoke':
      return judgeRevoke({ ...open, body: effect.body });
    case 'community.propose':
      return judgePropose({ ...open, body: effect.body });
    case 'community.endorse':
      return judgeEndorse({ ...open, body: effect.body });
    case 'community.policy': {
      const { admit } = effect.body;
      if (open.view.roleOf(open.person) !== 'anchor') return 'role';
      return { note: (index) => index.notePolicy(open.act, admit) };
    }
    case 'community.servers': {
      const { urls } = effect.body;
      // Whoever names a server learns the addresses of those who go there.
      if (!isAtLeast(open.view.roleOf(open.person), 'trusted')) return 'role';
      return { note: (index) => index.noteServers(open.act, urls) };
    }
    case 'community.checkpoint':
      return isAtLeast(open.view.roleOf(open.person), 'trusted') ? {} : 'role';
    case 'token.revoke':
    case 'person.profile':
      return {};
    default:
      return 'kind-lane';
  }
};

const judgeAdmit = ({ act, body, person, view, deps }: Case<Payload<'community.admit'>>): Verdict => {
  if (!isAtLeast(view.roleOf(person), view.admitPolicy())) return 'policy';
  const certificate = deps.witnesses.certificateOf(act.id);
  const refusal = refuseDevice(certificate, view);
  if (!certificate || refusal) return refusal ?? 'certificate';
  const invite = bytesToHex(body.inviteHash);
  if (view.isInviteUsed(person, invite)) return 'invite-used';
  const newcomer = bytesToText(certificate.root);
  const depth = view.rankOf(person).depth + 1;
  return {
    note: (index) => {
      index.noteNaming(namingBy(act, certificate));
      index.noteAdmission({ act, person: newcomer, by: person, depth, name: body.personName });
      index.noteInvite(act, person, invite);
    },
  };
};

const judgeDeviceAdd = ({ act, view, deps }: Case<Payload<'device.add'>>): Verdict => {
  const certificate = deps.witnesses.certificateOf(act.id);
  const refusal = refuseDevice(certificate, view);
  if (!certificate || refusal) return refusal ?? 'certificate';
  if (!view.isMember(bytesToText(certificate.root))) return 'target-unknown';
  return { note: (index) => index.noteNaming(namingBy(act, certificate)) };
};

/** Why a device cannot come in, whoever lets it in. A person who was removed or has left comes back as nobody's device. */
const refuseDevice = (certificate: Certificate | undefined, view: AuthorityView): VoidReason | null => {
  if (!certificate) return 'certificate';
  const [device, person] = [bytesToText(certificate.device), bytesToText(certificate.root)];
  const exit = view.exitOf(person);
  if (exit) return exit;
  if (view.isRevoked(device)) return 'revoked';
  const claimed = view.namingOf(device);
  return claimed && claimed.person !== person ? 'device-claimed' : null;
};

const judgeKey = ({ act, body, person, view }: Case<Payload<'community.key'>>): Verdict => {
  // Any member could draw the others to a meeting place of their own otherwise.
  if (!isAtLeast(view.roleOf(person), 'trusted')) return 'role';
  const [epoch, check] = [bytesToText(body.epoch), bytesToText(body.check)];
  if (view.hasOtherCheck(epoch, check)) return 'key-check';
  return { note: (index) => index.noteCheck(act, epoch, check) };
};

const judgePromote = ({ act, body, person, view }: Case<Payload<'community.promote'>>): Verdict => {
  const target = bytesToText(body.person);
  // Where no anchor is left, trusted people make the next one; else nobody ever could.
  const needed = body.role === 'anchor' && view.withRole('anchor').length > 0 ? 'anchor' : 'trusted';
  if (!isAtLeast(view.roleOf(person), needed)) return 'role';
  const role = view.roleOf(target);
  if (role === null) return 'target-unknown';
  if (isAtLeast(role, body.role)) return 'already';
  return { note: (index) => index.noteGrant(act, target, body.role) };
};

const judgePropose = ({ act, body, person, view, deps }: Case<Payload<'community.propose'>>): Verdict => {
  const intent = parseIntent(body.intent, deps.community);
  if (!intent) return 'intent';
  if (!isAtLeast(view.roleOf(person), 'trusted')) return 'role';
  if (!view.isMember(intent.person)) return 'target-unknown';
  return { note: (index) => index.noteProposal(act, intent.bytes) };
};

const judgeEndorse = ({ act, body, person, view, deps }: Case<Payload<'community.endorse'>>): Verdict => {
  const bytes = view.proposalOf(bytesToText(body.proposal));
  const intent = bytes && parseIntent(bytes, deps.community);
  if (!intent) return 'proposal-unknown';
  if (!isAtLeast(view.roleOf(person), 'trusted') || intent.person === person) return 'role';
  return deps.witnesses.isEndorsing(act.id) ? {} : 'signature';
};

const namingBy = (act: SettledAct, { device, root, agreement }: Certificate) => ({
  act,
  device: bytesToText(device),
  person: bytesToText(root),
  agreement,
});
