import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { foldNewest } from '../../src/lib/log/room-newest.ts';
import { createRoomFold, foldRoom } from '../../src/lib/log/room.ts';
import { createPaperLog, peopleOf } from './room-fixture.ts';
import { todayMs } from './street-fixture.ts';

const street = peopleOf({ anna: 'anchor', chen: 'member', 'chen-tablet': 'member' });
const most = limits.roomMessagesPerDayMax;
const morning = Date.UTC(2026, 5, 15);
const dayMs = 24 * 3600_000;

/** Chen writes `count` messages with his phone and as many with his tablet, in turn, from the morning on. */
const writeMuch = (count: number, from = morning) => {
  const paper = createPaperLog();
  for (let at = 0; at < count; at++) {
    paper.say('chen', `phone ${at}`, { atMs: from + at * 20 });
    paper.say('chen-tablet', `tablet ${at}`, { atMs: from + at * 20 + 10, withoutPayload: at % 50 === 0 });
  }
  return paper;
};

describe('the quota of a day', () => {
  it('counts the messages of a person over all devices, in the order of all views; what is over is void', () => {
    const paper = writeMuch(most / 2 + 3);
    paper.say('anna', 'I too', { atMs: morning + dayMs - 1 });
    const { messages, voidById } = foldRoom(paper.lanes, street, todayMs);
    expect([...voidById.values()].filter((reason) => reason === 'quota')).toHaveLength(6);
    expect(messages.at(-1)?.text).toBe('I too');
    expect(messages.at(-2)?.text).toBe(`tablet ${most / 2 - 1}`);
  });

  it('is a whole day long in UTC and starts anew the next one', () => {
    const paper = writeMuch(most / 2, morning + dayMs - most * 10);
    paper.say('chen', 'Good morning', { atMs: morning + dayMs });
    const { messages, voidById } = foldRoom(paper.lanes, street, todayMs);
    expect(messages.at(-1)?.text).toBe('Good morning');
    expect([...voidById.values()]).not.toContain('quota');
  });

  it('says the same newest first, in a room that grows, and whatever has been removed', () => {
    const paper = writeMuch(most / 2 + 5);
    const fold = createRoomFold(paper.lanes);
    fold.fold(street, todayMs);
    const first = paper.lanes.slice(paper.lanes.heads()[0]?.author ?? '', paper.lanes.heads()[0]?.lane ?? 0, 0, 5);
    for (const [at, target] of first.entries()) paper.takeBack('chen', target, { atMs: morning + dayMs / 2 + at });
    paper.say('chen', 'One more', { atMs: morning + dayMs / 2 + 100 });
    const whole = foldRoom(paper.lanes, street, todayMs);
    expect(fold.fold(street, todayMs)).toEqual(whole);
    expect(whole.messages.at(-1)?.text).toBe(`tablet ${most / 2 - 1}`);
    for (const some of [1, 10, 200])
      expect(foldNewest(paper.lanes, street, some, todayMs)).toEqual(whole.messages.slice(-some));
  });

  it('does not count what a stranger or somebody cut off has written', () => {
    const paper = writeMuch(most / 2);
    const gone = { ...street, cutOf: (device: string) => (street.roleOf(device) ? 10 : null) };
    paper.say('anna', 'Last', { atMs: morning + dayMs - 1 });
    const people = peopleOf({ anna: 'anchor', chen: 'member', 'chen-tablet': 'member' }, gone);
    const voids = [...foldRoom(paper.lanes, people, todayMs).voidById.values()];
    expect(voids.filter((reason) => reason === 'quota')).toEqual([]);
  });
});
