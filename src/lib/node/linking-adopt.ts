import { verifyCertificate } from '../crypto/certificate.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { parseStatement, statementMessage } from '../log/intent.ts';
import { authOf, type Acts } from '../log/acts.ts';
import type { Membership } from '../log/membership.ts';
import { nowSeconds } from './device.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

export type AdoptRequest = {
  readonly certificate: Uint8Array;
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
};

const hourMs = 3_600_000;

/**
 * A neighbour's device that gave up its old key asks to be written down under its new one. Everything it says is proven by its
 * person's root key, and the person is a current member, so no tap is needed: null, or why it was refused.
 */
export const createAdoption = (deps: {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly holder: Pick<NeighbourhoodHolder, 'current'>;
  readonly acts: () => Pick<Acts, 'addDevice'>;
  readonly isMember: () => boolean;
}) => {
  const { crypto, clock, holder } = deps;
  const adoptedAtByPerson = new Map<string, readonly number[]>();
  let turn: Promise<unknown> = Promise.resolve();

  const isTooOften = (person: string): boolean => {
    const recent = (adoptedAtByPerson.get(person) ?? []).filter((at) => Math.abs(clock.now() - at) < hourMs);
    adoptedAtByPerson.set(person, recent);
    return recent.length >= limits.adoptionsPerHourMax;
  };

  const adopt = async (caller: string, { certificate: bytes, statement, signature }: AdoptRequest) => {
    const here = holder.current();
    if (!here || !deps.isMember()) return 'not-a-member';
    const certificate = await verifyCertificate(crypto, bytes);
    if (!certificate.ok) return certificate.error;
    const { root, device, expires } = certificate.value;
    if (bytesToText(device) !== caller) return 'certificate-of-another';
    if (expires <= nowSeconds(clock)) return 'certificate-expired';
    const person = bytesToText(root);
    const membership = here.membership();
    if (!membership.members.has(person)) return 'root-not-member';
    const said = parseStatement(statement, here.log.community);
    if (!said) return 'statement-malformed';
    if (!(await crypto.verify(root, statementMessage(statement), signature))) return 'statement-signature';
    if (said.device === caller || membership.personOf(said.device) !== person) return 'statement-of-another';
    if (isGivenUp(membership, person, caller)) return 'device-revoked';
    if (membership.roleOf(caller) !== null) return null;
    if (isTooOften(person)) return 'rate-limited';
    adoptedAtByPerson.set(person, [...(adoptedAtByPerson.get(person) ?? []), clock.now()]);
    const added = await deps.acts().addDevice(here, certificate.value);
    if (!added.ok) return added.error;
    if (isGivenUp(here.membership(), person, said.device)) return null;
    const body = { auth: authOf(here), statement: own(statement), signature: own(signature) };
    const revoked = await here.log.append('device.revoke', body);
    return revoked.ok ? null : revoked.error;
  };

  return {
    /** One at a time: two at once could write one device twice. */
    adopt: (caller: string, request: AdoptRequest): Promise<string | null> => {
      const work = turn.then(() => adopt(caller, request));
      turn = work.catch(() => undefined);
      return work;
    },
  };
};

const own = (bytes: Uint8Array): Bytes => bytes.slice() as Bytes;

const isGivenUp = (membership: Membership, person: string, device: string): boolean =>
  membership.devicesOf(person).some((each) => each.device === device && each.state === 'revoked');
