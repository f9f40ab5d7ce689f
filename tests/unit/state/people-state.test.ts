import { describe, expect, it } from 'vitest';
import type { Member, Members, Proposal } from '../../../src/lib/contracts/community.ts';
import type { NodeInfo } from '../../../src/lib/contracts/node.ts';
import type { PeopleViews } from '../../../src/lib/state/mesh.svelte.ts';
import {
  actsOn,
  createPeopleState,
  isNameTyped,
  isOnlyAnchor,
  ownEnd,
  personView,
  proposalViews,
} from '../../../src/lib/state/people.svelte.ts';
import { createScriptedBus } from './scripted-bus.ts';

const member = (person: string, role: Member['role'], own: Partial<Member> = {}): Member => ({
  person,
  name: person[0]?.toUpperCase() + person.slice(1),
  role,
  devices: [`${person}-phone`],
  isSelf: person === 'anna',
  invitedBy: person === 'anna' ? null : 'anna',
  since: 1,
  ...own,
});
const proposal = (own: Partial<Proposal>): Proposal => ({
  proposal: 'p1',
  act: 'remove',
  person: 'chen',
  by: 'bora',
  reason: '',
  at: 1,
  agreedBy: ['bora'],
  needed: 2,
  mayAgree: true,
  ...own,
});
const community = (members: Member[], own: Partial<Members> = {}): Members => ({
  members,
  former: [],
  proposals: [],
  policy: { admit: 'member' },
  servers: [],
  agreementsNeeded: 2,
  waiting: [],
  invites: [],
  ownEmoji: [],
  ...own,
});
const views = (members: Members, membership: NodeInfo['membership'] = 'member'): PeopleViews => ({
  info: { value: { device: 'anna-phone', person: 'anna', build: '7', membership } as NodeInfo },
  mesh: { value: null },
  members: { value: members },
});

describe('what anna may do about others', () => {
  const about = (own: Member['role'], other: Member['role'], rest: Partial<Members> = {}) =>
    actsOn(community([member('anna', own), member('bora', other)], rest), 'bora');

  it('is nothing while she is a plain member', () => {
    expect(about('member', 'member', { agreementsNeeded: 0 })).toEqual([]);
  });

  it('is to trust, and to ask for a removal, when she is trusted; not to make an anchor while there is one', () => {
    const dilek = member('dilek', 'anchor', { isSelf: false });
    const among = (other: Member['role']) =>
      actsOn(community([member('anna', 'trusted'), member('bora', other), dilek]), 'bora');
    expect(among('member')).toEqual(['trust', 'remove']);
    expect(among('trusted')).toEqual(['demote', 'remove']);
    expect(among('anchor')).toEqual(['demote', 'remove']);
  });

  it('is to make an anchor when she is one', () => {
    expect(about('anchor', 'member')).toEqual(['trust', 'anchor', 'remove']);
    expect(about('anchor', 'trusted')).toEqual(['anchor', 'demote', 'remove']);
  });

  it('is to make an anchor when none is left, and never to take the trust of the last one', () => {
    expect(about('trusted', 'member', {})).not.toContain('demote');
    const members = [member('anna', 'trusted'), member('bora', 'anchor'), member('chen', 'member')];
    expect(actsOn(community(members), 'bora')).toEqual(['remove']);
    expect(actsOn(community(members), 'chen')).toEqual(['trust', 'remove']);
    expect(actsOn(community([member('anna', 'trusted'), member('chen', 'member')]), 'chen')).toContain('anchor');
  });

  it('is not to ask twice for the same', () => {
    const proposals = [proposal({ person: 'bora', by: 'chen' })];
    expect(about('anchor', 'trusted', { proposals })).toEqual(['anchor', 'demote']);
  });

  it('is nothing about herself, nor about somebody who is not here', () => {
    const here = community([member('anna', 'anchor')]);
    expect(actsOn(here, 'anna')).toEqual([]);
    expect(actsOn(here, 'frieda')).toEqual([]);
  });
});

describe('how many have to agree', () => {
  const neededFor = (person: string, ...roles: Member['role'][]) => {
    const others = roles.map((role, i) => member(`n${i}`, role, { isSelf: false }));
    return personView(person, views(community([member('anna', 'anchor'), ...others])))?.needed;
  };

  it('are all trusted people but the one it is about, three at most', () => {
    expect(neededFor('n0', 'member')).toBe(1);
    expect(neededFor('n0', 'trusted')).toBe(1);
    expect(neededFor('n0', 'member', 'trusted')).toBe(2);
    expect(neededFor('n0', 'trusted', 'trusted', 'anchor', 'trusted')).toBe(3);
  });

  it('does not matter to the only anchor who wants to leave others behind', () => {
    expect(isOnlyAnchor(community([member('anna', 'anchor'), member('bora', 'trusted')]))).toBe(true);
    expect(isOnlyAnchor(community([member('anna', 'anchor'), member('bora', 'anchor')]))).toBe(false);
    expect(isOnlyAnchor(community([member('anna', 'trusted'), member('bora', 'anchor')]))).toBe(false);
    expect(isOnlyAnchor(community([member('anna', 'anchor')]))).toBe(false);
  });
});

describe('the sheet of a person', () => {
  const bora = member('bora', 'trusted', { devices: ['bora-phone', 'bora-tablet'], frozenDevices: ['bora-tablet'] });

  it('says who let them in, and which of their devices is set aside', () => {
    const view = personView('bora', views(community([member('anna', 'anchor'), bora])));
    expect(view).toMatchObject({ name: 'Bora', invitedBy: 'Anna', isFounder: false, role: 'trusted' });
    expect(view?.devices.map(({ device, isFrozen }) => [device, isFrozen])).toEqual([
      ['bora-phone', false],
      ['bora-tablet', true],
    ]);
  });

  it('is empty for somebody who is not here any more', () => {
    expect(personView('frieda', views(community([member('anna', 'anchor')])))).toBeNull();
  });
});

describe('proposals', () => {
  it('come with names, those first that wait for her word', () => {
    const here = community([member('anna', 'trusted'), member('bora', 'trusted'), member('chen', 'member')], {
      proposals: [
        proposal({ proposal: 'new', at: 9, mayAgree: false, person: 'anna' }),
        proposal({ proposal: 'old', at: 2 }),
      ],
    });
    expect(proposalViews(here)).toMatchObject([
      { proposal: 'old', name: 'Chen', byName: 'Bora', isAboutSelf: false, agreed: [{ name: 'Bora' }] },
      { proposal: 'new', isAboutSelf: true, isBySelf: false },
    ]);
  });
});

describe('the end of her own time here', () => {
  const former = [{ person: 'anna', name: 'Anna', how: 'left' as const, at: 5 }];

  it('is told only to whom it came', () => {
    expect(ownEnd(views(community([member('anna', 'member')])))).toBeNull();
    expect(ownEnd(views(community([]), 'pending'))).toBeNull();
  });

  it('says whether she left, was removed, or gave up only this device', () => {
    expect(ownEnd(views(community([], { former }), 'removed'))).toMatchObject({ how: 'left', at: 5 });
    expect(ownEnd(views(community([]), 'removed'))).toEqual({ how: 'removed', at: null });
    expect(ownEnd(views(community([member('anna', 'member', { isSelf: false })]), 'removed'))).toMatchObject({
      how: 'device',
    });
  });
});

describe('acts on people', () => {
  it('tell apart what holds at once and what others must agree to', async () => {
    const { bus, asked } = createScriptedBus({
      'community.promote': {},
      'community.propose': { proposal: 'p', done: false },
      'community.agree': { done: true },
    });
    const people = createPeopleState({ bus });
    expect(await people.act('anchor', 'bora', '')).toBe('done');
    expect(await people.act('remove', 'chen', ' moved away ')).toBe('asked');
    expect(await people.agree('p')).toBe('done');
    expect(asked.map(({ input }) => input)).toEqual([
      { person: 'bora', role: 'anchor' },
      { act: 'remove', person: 'chen', reason: 'moved away' },
      { proposal: 'p' },
    ]);
  });

  it('keep the refusal at the act that was refused, until she starts anew', async () => {
    const { bus } = createScriptedBus({ 'community.leave': { refuse: 'forbidden', reason: 'not-a-member' } });
    const people = createPeopleState({ bus });
    expect(await people.leave()).toBe(false);
    expect(people.failureOf('leave')?.reason).toBe('not-a-member');
    expect(people.failureOf('agree')).toBeNull();
    people.forget();
    expect(people.failureOf('leave')).toBeNull();
  });

  it('are done one at a time', async () => {
    const { bus, asked } = createScriptedBus({ 'community.agree': { done: false } });
    const people = createPeopleState({ bus });
    expect(await Promise.all([people.agree('p'), people.agree('p')])).toEqual(['noted', null]);
    expect(asked).toHaveLength(1);
  });
});

describe('the name of a neighbourhood, typed to be sure', () => {
  it('need not have the same dash, capitals or blanks, but the same letters and numbers', () => {
    expect(isNameTyped(' lindenstraße 12-18', 'Lindenstraße 12–18')).toBe(true);
    expect(isNameTyped('Lindenstraße 12', 'Lindenstraße 12–18')).toBe(false);
    expect(isNameTyped('', 'Lindenstraße')).toBe(false);
  });

  it('is typed as it is when it has neither letters nor numbers', () => {
    expect(isNameTyped('🏡', '🏡')).toBe(true);
    expect(isNameTyped('', '🏡')).toBe(false);
  });
});
