import { describe, expect, it } from 'vitest';
import { inviteKeys } from '../../src/lib/crypto/invite.ts';
import { hlcEpochMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createDoors } from '../../src/lib/mesh/doors.ts';
import type { Guest, Meeting, Neighbours } from '../../src/lib/mesh/neighbours.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createFakeLink, settle, type FakeLink } from '../unit/link-fixture.ts';
import { hashOf, makePerson, platformCrypto, todayMs } from '../unit/street-fixture.ts';

/** Anna's doors; whoever has the secret of an invite comes through `knock` as a proven device. */
const annasDoors = async () => {
  const anna = await makePerson('anna');
  const clock = createVirtualClock(todayMs);
  const guestsByTag = new Map<string, (guest: Guest) => void>();
  const goneListeners = new Set<(guest: Guest) => void>();
  const turnedAway: string[] = [];
  const neighbours: Pick<Neighbours, 'meetGuests' | 'meetInviter' | 'onGuestGone'> = {
    meetGuests: ({ tag }: Meeting, onGuest) => {
      guestsByTag.set(tag, onGuest);
      return () => void guestsByTag.delete(tag);
    },
    meetInviter: () => () => {},
    onGuestGone: (listener) => {
      goneListeners.add(listener);
      return () => void goneListeners.delete(listener);
    },
  };
  const doors = createDoors({
    crypto: platformCrypto,
    clock,
    random: seededRandom('doors'),
    neighbours: neighbours as Neighbours,
    turnAway: (guest, reason) => void turnedAway.push(`${guest.peer.name} ${reason}`),
  });
  const expires = Math.floor((todayMs + 60_000 - hlcEpochMs) / 1000);
  const { invite, code } = doors.makeInvite({
    community: hashOf('c').slice(0, 16),
    inviter: anna.keys.signing.publicKey,
    expires,
    hint: '',
  });
  let isUsed = false;
  const close = await doors.open(invite, () => isUsed);
  const knock = async (name: string): Promise<FakeLink> => {
    const { certificate, device } = await makePerson(name);
    const link = createFakeLink(device);
    const guest = {
      link,
      peer: { certificate, name, build: 'test', clockMs: 0 },
      transcript: hashOf(`${name} ${guestsByTag.size}`),
    } as unknown as Guest;
    guestsByTag.get((await inviteKeys(platformCrypto, invite.secret)).tag)?.(guest);
    await settle();
    return link;
  };
  return {
    doors,
    invite,
    code,
    clock,
    knock,
    close,
    turnedAway,
    use: () => void (isUsed = true),
    waiting: () => doors.waiting().map(({ guest }) => guest.peer.name),
  };
};

describe('attacks with an invite', () => {
  it('a used invite lets nobody stand at the door, and says so', async () => {
    const { knock, use, waiting, turnedAway } = await annasDoors();
    await knock('bora');
    use();
    await knock('mallory');
    expect([waiting(), turnedAway]).toEqual([['bora'], ['mallory invite-used']]);
  });

  it('an invite that ran out while the door stood open lets nobody stand there', async () => {
    const { knock, clock, waiting, turnedAway } = await annasDoors();
    clock.advance(59_999);
    await knock('bora');
    clock.advance(1);
    await knock('mallory');
    expect([waiting(), turnedAway]).toEqual([['bora'], ['mallory invite-expired']]);
  });

  it('a crowd with a photographed invite: eight stand at the door, the ninth is told that it is busy', async () => {
    const { knock, waiting, turnedAway } = await annasDoors();
    for (let at = 0; at <= limits.admissionsWaitingMax; at++) await knock(`guest ${at}`);
    expect(waiting()).toHaveLength(limits.admissionsWaitingMax);
    expect(turnedAway).toEqual([`guest ${limits.admissionsWaitingMax} busy`]);
  });

  it('one device that knocks again and again stands there once, with its newest link', async () => {
    const { knock, waiting, doors } = await annasDoors();
    const links = [await knock('bora'), await knock('bora'), await knock('bora')];
    expect(waiting()).toEqual(['bora']);
    expect(links.map((link) => link.closedWith())).toEqual(['replaced', 'replaced', null]);
    expect(doors.waiting()[0]?.guest.link).toBe(links[2]);
  });

  it('each guest has six emoji of its own meeting, and nothing is admitted by standing there', async () => {
    const { knock, doors } = await annasDoors();
    await knock('bora');
    await knock('mallory');
    const [bora, mallory] = doors.waiting();
    expect(bora?.emoji).toHaveLength(6);
    expect(bora?.emoji).not.toEqual(mallory?.emoji);
    expect(doors.take(bora?.guest.link.peer.device ?? '')).toBe(bora);
    expect(doors.take(bora?.guest.link.peer.device ?? '')).toBeNull();
  });

  it('a closed door is not there any more', async () => {
    const { knock, close, waiting, turnedAway } = await annasDoors();
    close();
    await knock('bora');
    expect([waiting(), turnedAway]).toEqual([[], []]);
  });
});
