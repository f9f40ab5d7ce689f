import { describe, expect, it } from 'vitest';
import { kinds } from '../../src/lib/log/kinds.ts';
import { foldNewest } from '../../src/lib/log/room-newest.ts';
import { createRoomFold, foldRoom } from '../../src/lib/log/room.ts';
import type { RoomFreezes, RoomPeople } from '../../src/lib/log/room-rules.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { createPaperLog, deviceOf, peopleOf } from './room-fixture.ts';
import { hashOf, todayMs } from './street-fixture.ts';

const street = peopleOf({ anna: 'anchor', bora: 'trusted', chen: 'member', 'chen-tablet': 'member', dina: 'member' });
type Paper = ReturnType<typeof createPaperLog>;

/** What stands in the room: words, or who took them back. The newest-first fold must say the same. */
const shownIn = (
  { lanes }: Paper,
  people: RoomPeople = street,
  nowMs = todayMs,
  freezes: Partial<RoomFreezes> = {},
) => {
  const log = { ...lanes, ...freezes };
  const room = foldRoom(log, people, nowMs);
  expect(foldNewest(log, people, 1_000, nowMs)).toEqual(room.messages);
  return {
    ...room,
    shown: room.messages.map(({ text, removedBy }) => (removedBy === null ? text : `- ${nameOf(removedBy)}`)),
  };
};
const nameOf = (device: string): string =>
  ['anna', 'bora', 'chen', 'chen-tablet', 'dina', 'mallory'].find((word) => deviceOf(word) === device) ?? '?';

describe('a message removed for all', () => {
  it('is gone when its author took it back, from whichever of their devices', () => {
    const paper = createPaperLog();
    const hello = paper.say('chen', 'Hello');
    paper.say('chen', 'Still here', { atMs: todayMs + 1 });
    paper.takeBack('chen-tablet', hello, { atMs: todayMs + 2 });
    const { shown, removedIds } = shownIn(paper);
    expect(shown).toEqual(['- chen-tablet', 'Still here']);
    expect([...removedIds]).toEqual([hello.event.id]);
  });

  it('is gone when somebody trusted removed it, and stays when a member tried to remove what is not theirs', () => {
    const paper = createPaperLog();
    const rude = paper.say('dina', 'Rude');
    const plain = paper.say('dina', 'Plain', { atMs: todayMs + 1 });
    paper.takeBack('bora', rude, { atMs: todayMs + 2 });
    const attempt = paper.takeBack('chen', plain, { atMs: todayMs + 3 });
    const { shown, voidById, removedIds } = shownIn(paper);
    expect(shown).toEqual(['- bora', 'Plain']);
    expect(voidById.get(attempt.event.id)).toBe('target-foreign');
    expect(removedIds.has(plain.event.id)).toBe(false);
  });

  it('is not gone by the word of somebody who is in no neighbourhood, was removed or is frozen', () => {
    const paper = createPaperLog();
    const hello = paper.say('chen', 'Hello');
    const attempts = [
      paper.takeBack('mallory', hello, { atMs: todayMs + 1 }),
      paper.takeBack('bora', hello, { atMs: todayMs + 2 }),
      paper.takeBack('anna', hello, { atMs: todayMs + 3 }),
    ];
    const people = { ...street, cutOf: (device: string) => (device === deviceOf('bora') ? 0 : null) };
    const freezes = {
      frozenSince: (device: string) => (device === deviceOf('anna') ? hlcFromMs(todayMs) : null),
      isBelowPin: () => false,
    };
    const { shown, voidById } = shownIn(paper, people, todayMs, freezes);
    expect(shown).toEqual(['Hello']);
    expect(attempts.map(({ event }) => voidById.get(event.id))).toEqual(['author-not-member', 'removed', 'frozen']);
  });

  it('says the same whether or not its words are still here, and whether or not they ever were', () => {
    const rooms = [false, true].map((withoutPayload) => {
      const paper = createPaperLog();
      const hello = paper.say('chen', 'Hello', { withoutPayload });
      const broken = paper.write('chen', hashOf('no message'), {
        kind: kinds['chat.message'].number,
        atMs: todayMs + 1,
        withoutPayload,
      });
      paper.takeBack('chen', hello, { atMs: todayMs + 2 });
      paper.takeBack('chen', broken, { atMs: todayMs + 3 });
      return shownIn(paper);
    });
    expect(rooms[0]).toEqual(rooms[1]);
    expect(rooms[0]?.shown).toEqual(['- chen', '- chen']);
  });

  it('is gone also when the removal came first, and a removal of nothing or of no message says why', () => {
    const paper = createPaperLog();
    // The first words of Chen's phone have the same id in every log on paper.
    const early = paper.takeBack('chen-tablet', createPaperLog().say('chen', 'Late'));
    const fold = createRoomFold(paper.lanes);
    expect(fold.fold(street, todayMs).voidById.get(early.event.id)).toBe('target-missing');
    paper.say('chen', 'Late', { atMs: todayMs + 5 });
    const { messages, voidById: voids } = fold.fold(street, todayMs);
    expect([messages.map(({ text }) => text), voids.size]).toEqual([[''], 0]);
    expect(shownIn(paper).shown).toEqual(['- chen-tablet']);
    const other = createPaperLog();
    const first = other.say('chen', 'First');
    const undone = other.takeBack('anna', first, { atMs: todayMs + 1 });
    const attempt = other.takeBack('anna', undone, { atMs: todayMs + 2 });
    const { voidById, shown } = shownIn(other);
    expect([voidById.get(attempt.event.id), shown]).toEqual(['target-kind', ['- anna']]);
  });

  it('lets the repetition of a removed message stand alone, and names the repetitions of one that stands', () => {
    const paper = createPaperLog();
    const first = paper.say('chen', 'Twice', { clientId: 'tap' });
    const second = paper.say('chen', 'Twice', { clientId: 'tap', atMs: todayMs + 1 });
    expect(shownIn(paper).repeatsById).toEqual(new Map([[first.event.id, [second.event.id]]]));
    paper.takeBack('chen', first, { atMs: todayMs + 2 });
    expect(shownIn(paper).shown).toEqual(['- chen', 'Twice']);
    paper.takeBack('chen', second, { atMs: todayMs + 3 });
    expect(shownIn(paper).shown).toEqual(['- chen', '- chen']);
  });

  it('goes in a room that grows as in one folded anew', () => {
    const paper = createPaperLog();
    const fold = createRoomFold(paper.lanes);
    const targets = [];
    for (let at = 0; at < 60; at++) {
      targets.push(paper.say(at % 2 ? 'chen' : 'dina', `word ${at}`, { atMs: todayMs + at * 10 }));
      const target = targets[at - (at % 7)];
      if (at % 5 === 0 && target) paper.takeBack(at % 3 ? 'chen' : 'bora', target, { atMs: todayMs + at * 10 + 1 });
      expect(fold.fold(street, todayMs)).toEqual(foldRoom(paper.lanes, street, todayMs));
    }
    for (const most of [1, 3, 10, 59, 60, 99])
      expect(foldNewest(paper.lanes, street, most, todayMs)).toEqual(
        foldRoom(paper.lanes, street, todayMs).messages.slice(-most),
      );
  });
});

describe('a message of somebody who was removed or frozen', () => {
  it('counts below the cut, not from it on', () => {
    const paper = createPaperLog();
    for (const [at, text] of ['one', 'two', 'three'].entries()) paper.say('dina', text, { atMs: todayMs + at });
    const gone: RoomPeople = {
      roleOf: (device) => (device === deviceOf('dina') ? null : street.roleOf(device)),
      personOf: street.personOf,
      cutOf: (device) => (device === deviceOf('dina') ? 2 : null),
    };
    const { shown, voidById } = shownIn(paper, gone);
    expect([shown, [...voidById.values()]]).toEqual([['one', 'two'], ['removed']]);
  });

  it('counts before the fork, and below a pin also after it', () => {
    const paper = createPaperLog();
    for (const [at, text] of ['one', 'two', 'three'].entries()) paper.say('dina', text, { atMs: todayMs + at });
    const people: RoomPeople = { ...street, roleOf: (device) => (device === deviceOf('dina') ? null : 'member') };
    const freezes = {
      frozenSince: (device: string) => (device === deviceOf('dina') ? hlcFromMs(todayMs + 1) : null),
      isBelowPin: (_author: string, _lane: number, seq: number) => seq < 2,
    };
    const { shown, voidById } = shownIn(paper, people, todayMs, freezes);
    expect([shown, [...voidById.values()]]).toEqual([['one', 'two'], ['frozen']]);
  });

  it('of two devices whose numbers meet in a month the later one says nothing there', () => {
    const paper = createPaperLog();
    for (const name of ['anna', 'bora']) paper.say(name, name);
    const freezes = { isCollided: (author: string) => author === deviceOf('bora') };
    const { shown, voidById } = shownIn(paper, street, todayMs, freezes);
    expect([shown, [...voidById.values()]]).toEqual([['anna'], ['client-collision']]);
  });
});

describe('a message that expires', () => {
  it('is shown until its time has come, and no longer', () => {
    const paper = createPaperLog();
    const brief = paper.say('chen', 'Soup until six', { expiresMs: todayMs + 60_000 });
    paper.say('chen', 'Always', { atMs: todayMs + 1 });
    expect(shownIn(paper, street, todayMs + 59_999).shown).toEqual(['Soup until six', 'Always']);
    const { shown, voidById } = shownIn(paper, street, todayMs + 60_000);
    expect([shown, voidById.get(brief.event.id)]).toEqual([['Always'], 'expired']);
  });

  it('goes from a room that is kept up, too, and comes back when the clock was wrong', () => {
    const paper = createPaperLog();
    paper.say('chen', 'Soup until six', { expiresMs: todayMs + 60_000 });
    const fold = createRoomFold(paper.lanes);
    const counts = [0, 60_000, 0].map((later) => fold.fold(street, todayMs + later).messages.length);
    expect(counts).toEqual([1, 0, 1]);
  });
});
