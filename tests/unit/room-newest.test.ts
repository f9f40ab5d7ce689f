import { describe, expect, it } from 'vitest';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { kinds } from '../../src/lib/log/kinds.ts';
import { foldNewest } from '../../src/lib/log/room-newest.ts';
import { createRoomFold, foldRoom } from '../../src/lib/log/room.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import {
  forgeEvent,
  hashOf,
  makeStreet,
  openNeighbourhood,
  payloadOf,
  todayLane,
  todayMs,
  type Person,
} from './street-fixture.ts';

const messagePayload = (text: string, id: string) =>
  payloadOf('chat.message', { to: 'everyone', text, clientId: hashOf(id).slice(0, 16) });

/** A street in which everything goes wrong that a room has a rule for: repeated ids, times that go back, unknown kinds, missing payloads. */
const messyStreet = async (seed: string, count: number) => {
  const street = await makeStreet('anna', 'bora', 'chen');
  const random = seededRandom(seed);
  const dice = (sides: number): number => (random.bytes(1)[0] ?? 0) % sides;
  const next = new Map<string, number>();
  const events = [];
  for (let at = 0; at < count; at++) {
    const person = street.people[dice(3)] as Person;
    const lane = todayLane + (dice(12) === 0 ? 1 : 0);
    const place = `${person.device} ${lane}`;
    const seq = next.get(place) ?? 0;
    next.set(place, seq + 1);
    const hlc = hlcFromMs(todayMs + at * 1_000 - (dice(5) === 0 ? dice(9) * 1_000 : 0));
    const kind = dice(15) === 0 ? 4_000 : kinds['chat.message'].number;
    const payload =
      dice(12) === 0
        ? hashOf(`broken ${at}`)
        : messagePayload(`${person.name} ${at}`, `${dice(4) === 0 ? dice(6) : `${at}`}`);
    events.push(await forgeEvent(person.keys.signing, { community: street.community, lane, seq, hlc, kind }, payload));
  }
  return { street, events, dice };
};

describe('the newest messages of the room', () => {
  it('are the very ones that a whole fold ends with, however many are asked for', async () => {
    for (const seed of ['one', 'two', 'three']) {
      const { street, events, dice } = await messyStreet(seed, 160);
      const { log, here } = await street.move(street.founderPerson);
      unwrap(
        await log.receive(
          events.map(({ envelope, payload }) => ({ envelope, payload: dice(10) === 0 ? null : payload })),
          'bora',
        ),
      );
      const whole = foldRoom(log, here.membership(), todayMs).messages;
      expect(whole.length).toBeGreaterThan(30);
      for (const most of [1, 2, 7, 30, whole.length, 500])
        expect(foldNewest(log, here.membership(), most, todayMs)).toEqual(whole.slice(-most));
    }
  });
});

describe('a room that grows', () => {
  it('says at every step what folding everything anew says', async () => {
    const { street, events, dice } = await messyStreet('growing', 120);
    const { log, here } = await street.move(street.founderPerson);
    const fold = createRoomFold(log);
    log.onStored(({ entries }) => fold.note(entries));
    const late = [];
    for (const { id, envelope, payload } of events) {
      const isLate = dice(4) === 0;
      if (isLate) late.push({ id, payload });
      unwrap(await log.receive([{ envelope, payload: isLate ? null : payload }], 'bora'));
      if (dice(6) === 0)
        expect(fold.fold(here.membership(), todayMs)).toEqual(foldRoom(log, here.membership(), todayMs));
    }
    for (const one of late) {
      unwrap(await log.receivePayloads([one], 'bora'));
      expect(fold.fold(here.membership(), todayMs)).toEqual(foldRoom(log, here.membership(), todayMs));
    }
  });

  it('is the same after a restart, whose events come from segments', async () => {
    const { street, events } = await messyStreet('restart', 150);
    const first = await street.move(street.founderPerson);
    unwrap(
      await first.log.receive(
        events.map(({ envelope, payload }) => ({ envelope, payload })),
        'bora',
      ),
    );
    const again = await openNeighbourhood(street.founderPerson, street.community, { disk: first.disk });
    expect(again.here.room()).toEqual(first.here.room());
    expect(again.log.heads()).toEqual(expect.arrayContaining(first.log.heads()));
    expect([...again.log.all()].map(({ event }) => event)).toEqual(
      expect.arrayContaining([...first.log.all()].map(({ event }) => event)),
    );
  });
});
