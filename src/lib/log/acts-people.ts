import { bytesToText, textToBytes } from '../kernel/ids.ts';
import type { Role } from '../kernel/bus/capability.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { authOf, done, type ActDeps, type ActRefusal, type Written } from './acts.ts';
import { cutsOf } from './cuts.ts';
import { authorityLane } from './event.ts';
import { cutFieldsOf, encodeIntent, intentMessage, type Cut, type SharedAct } from './intent.ts';
import type { OpenProposal } from './membership.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import { isServerAddress } from './server-address.ts';

export type PeopleRefusal =
  | ActRefusal
  | 'not-a-member'
  | 'role-too-low'
  | 'target-unknown'
  | 'already'
  | 'last-anchor'
  | 'proposal-unknown'
  | 'server-address';

type Signature = { readonly device: Bytes; readonly signature: Bytes };

/**
 * What members decide about each other. Each act is refused here when the fold would give it no effect, so that nobody signs
 * in vain; whether it takes effect is decided by the fold all the same.
 */
export const createPeopleActs = ({ random, device }: Pick<ActDeps, 'random' | 'device'>) => {
  const self = bytesToText(device.signing.publicKey);

  const ownRole = ({ membership }: Neighbourhood): { role: Role; person: string } | null => {
    const [role, person] = [membership().roleOf(self), membership().personOf(self)];
    return role !== null && person !== null ? { role, person } : null;
  };

  const sign = async (intent: Uint8Array): Promise<Signature> => ({
    device: device.signing.publicKey,
    signature: await device.signing.sign(intentMessage(intent)),
  });

  const append = (here: Neighbourhood, act: SharedAct, intent: Bytes, signatures: readonly Signature[]) =>
    here.log.append(act === 'remove' ? 'community.remove' : 'community.demote', {
      auth: authOf(here),
      intent,
      signatures: [...signatures],
    });

  const endorse = async (here: Neighbourhood, proposal: string, intent: Uint8Array): Promise<Written> =>
    done(
      await here.log.append('community.endorse', {
        auth: authOf(here),
        proposal: textToBytes(proposal) ?? new Uint8Array(32),
        signature: (await sign(intent)).signature,
      }),
    );

  /** Writes what enough people have agreed on, with as many signatures as it takes, the most senior ones. */
  const complete = async (here: Neighbourhood, open: OpenProposal): Promise<Written> => {
    const { rankOf } = here.membership();
    const signatures = open.agreements
      .toSorted((a, b) => rankOf(a.person) - rankOf(b.person))
      .slice(0, open.needed)
      .flatMap(({ device: signer, signature }): Signature[] => {
        const key = textToBytes(signer);
        return key ? [{ device: key, signature }] : [];
      });
    return done(await append(here, open.act, open.intent, signatures));
  };

  const openProposal = ({ membership }: Neighbourhood, id: string): OpenProposal | null =>
    membership().proposals.find(({ proposal }) => proposal === id) ?? null;

  const completeIfAgreed = async (here: Neighbourhood, id: string): Promise<Result<boolean, ActRefusal>> => {
    const open = openProposal(here, id);
    if (!open || open.agreements.length < open.needed) return ok(false);
    const written = await complete(here, open);
    return written.ok ? ok(true) : written;
  };

  return {
    promote: async (
      here: Neighbourhood,
      person: string,
      role: 'trusted' | 'anchor',
    ): Promise<Result<void, PeopleRefusal>> => {
      const [own, target] = [ownRole(here), here.membership().members.get(person)];
      const key = textToBytes(person);
      if (!own) return err('not-a-member');
      if (!target || !key) return err('target-unknown');
      const hasAnchor = [...here.membership().members.values()].some((member) => member.role === 'anchor');
      if (own.role === 'member' || (role === 'anchor' && hasAnchor && own.role !== 'anchor'))
        return err('role-too-low');
      if (target.role === role || target.role === 'anchor') return err('already');
      return done(await here.log.append('community.promote', { auth: authOf(here), person: key, role }));
    },

    /** Asks for an act against somebody; where nobody else's agreement is needed it is done at once (`proposal` is then its own event's id). */
    propose: async (
      here: Neighbourhood,
      { act, person, reason }: { act: SharedAct; person: string; reason: string },
    ): Promise<Result<{ proposal: string; done: boolean }, PeopleRefusal>> => {
      const [own, target, key] = [ownRole(here), here.membership().members.get(person), textToBytes(person)];
      if (!own) return err('not-a-member');
      if (own.role === 'member' || own.person === person) return err('role-too-low');
      if (!target || !key) return err('target-unknown');
      if (act === 'demote' && target.role === 'member') return err('already');
      if (act === 'demote' && isLastAnchor(here, person)) return err('last-anchor');
      const cuts = cutsAgainst(here, act, person);
      const intent = encodeIntent({ community: here.log.community, act, person: key, cuts, nonce: random.bytes(16) });
      if (here.membership().quorumOf(person) === 1) {
        const entry = await append(here, act, intent, [await sign(intent)]);
        return entry.ok ? ok({ proposal: entry.value.event.id, done: true }) : entry;
      }
      const proposed = await here.log.append('community.propose', { auth: authOf(here), intent, reason });
      if (!proposed.ok) return proposed;
      const proposal = proposed.value.event.id;
      const endorsed = await endorse(here, proposal, intent);
      return endorsed.ok ? ok({ proposal, done: false }) : endorsed;
    },

    /** Agrees; true when this was the last agreement needed and the act is written. */
    agree: async (here: Neighbourhood, id: string): Promise<Result<boolean, PeopleRefusal>> => {
      const [own, open] = [ownRole(here), openProposal(here, id)];
      if (!own) return err('not-a-member');
      if (!open) return err('proposal-unknown');
      if (own.role === 'member' || own.person === open.person) return err('role-too-low');
      if (!open.agreements.some(({ person }) => person === own.person)) {
        const endorsed = await endorse(here, id, open.intent);
        if (!endorsed.ok) return endorsed;
      }
      return completeIfAgreed(here, id);
    },
    complete,

    leave: async (here: Neighbourhood): Promise<Result<void, PeopleRefusal>> => {
      const own = ownRole(here);
      if (!own) return err('not-a-member');
      if (here.membership().members.size > 1 && isLastAnchor(here, own.person)) return err('last-anchor');
      const cuts = cutsAgainst(here, 'remove', own.person).map(cutFieldsOf);
      return done(await here.log.append('community.leave', { auth: authOf(here), cuts }));
    },

    setPolicy: async (here: Neighbourhood, admit: Role): Promise<Result<void, PeopleRefusal>> => {
      const own = ownRole(here);
      if (!own) return err('not-a-member');
      if (own.role !== 'anchor') return err('role-too-low');
      return done(await here.log.append('community.policy', { auth: authOf(here), admit }));
    },

    setServers: async (here: Neighbourhood, urls: readonly string[]): Promise<Result<void, PeopleRefusal>> => {
      const own = ownRole(here);
      if (!own) return err('not-a-member');
      if (own.role === 'member') return err('role-too-low');
      if (urls.length > limits.serversInLogMax || !urls.every(isServerAddress)) return err('server-address');
      return done(await here.log.append('community.servers', { auth: authOf(here), urls: [...new Set(urls)] }));
    },
  };
};
export type PeopleActs = ReturnType<typeof createPeopleActs>;

const isLastAnchor = ({ membership }: Neighbourhood, person: string): boolean =>
  membership().members.get(person)?.role === 'anchor' &&
  [...membership().members.values()].filter(({ role }) => role === 'anchor').length === 1;

/** A removal names every lane of every device of theirs; taking trust back names their authority lanes, also the empty ones. */
const cutsAgainst = ({ log, membership }: Neighbourhood, act: SharedAct, person: string): Cut[] => {
  const devices = membership()
    .devicesOf(person)
    .map(({ device }) => device);
  if (act === 'remove') return cutsOf(log, devices);
  const named = cutsOf(log, devices, (lane) => lane === authorityLane);
  const empty = devices.filter((device) => log.next(device, authorityLane) === 0);
  return [
    ...named,
    ...empty.map((device) => ({
      device: textToBytes(device) ?? new Uint8Array(32),
      lane: authorityLane,
      count: 0,
      digest: new Uint8Array(32),
    })),
  ];
};
