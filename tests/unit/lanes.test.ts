import { describe, expect, it } from 'vitest';
import { bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { signEvent } from '../../src/lib/log/event.ts';
import { createLanes, type Entry } from '../../src/lib/log/lanes.ts';
import { makeSegments } from '../../src/lib/kernel/segment.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf, platformCrypto, todayLane } from './street-fixture.ts';

const publicKey = hashOf('anna');
const author = bytesToText(publicKey);
const unsigned = { publicKey, sign: async () => new Uint8Array(64) };

/** Entries of one lane of anna's; every tenth has no payload yet. Those of another name are others, for the same places. */
const entriesOf = (count: number, name = ''): Promise<Entry[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, seq) => {
      const header = {
        community: new Uint8Array(16),
        author: publicKey,
        lane: todayLane,
        seq,
        hlc: 4096 * seq,
        kind: 32,
        expires: seq % 7,
        payloadHash: hashOf(`${name}${seq}`),
        payloadSize: 40,
      };
      return {
        event: await signEvent(platformCrypto, unsigned, header),
        payload: seq % 10 === 0 ? null : hashOf(`payload ${seq}`),
      };
    }),
  );
const storedOf = ({ event: { header, id, envelope } }: Entry) => ({
  author,
  lane: header.lane,
  seq: header.seq,
  id,
  envelope,
});

describe('lanes', () => {
  it('say the same of an event whether it is new, was packed in this session or comes from a segment', async () => {
    const entries = await entriesOf(3 * limits.segmentEventsMax);
    const pushed = createLanes(seededRandom('lanes'));
    for (const { event, payload } of entries) pushed.push({ event, payload });
    const payloads = new Map(entries.map(({ event, payload }) => [event.id, payload ?? undefined]));
    const adopted = createLanes(seededRandom('lanes'));
    for (const segment of makeSegments(entries.map(storedOf), (id) => payloads.get(id)))
      adopted.adopt(segment, () => undefined);
    for (const lanes of [pushed, adopted]) {
      expect([lanes.size, lanes.next(author, todayLane)]).toEqual([entries.length, entries.length]);
      expect([...lanes.all()]).toEqual(entries);
      expect(lanes.slice(author, todayLane, 250, 20)).toEqual(entries.slice(250, 270));
      for (const seq of [0, 255, 256, 511, entries.length - 1])
        expect(lanes.byId(entries[seq]?.event.id ?? '')).toEqual(entries[seq]);
      expect([
        lanes.at(author, todayLane, -1),
        lanes.at(author, todayLane, entries.length),
        lanes.byId('unknown'),
      ]).toEqual([undefined, undefined, undefined]);
      expect([...lanes.bareIds()]).toEqual(entries.filter(({ payload }) => !payload).map(({ event }) => event.id));
    }
    expect(pushed.heads()).toEqual(adopted.heads());
  });

  it('chain the prefix digest as the protocol says, also when it is asked for late', async () => {
    const entries = await entriesOf(20);
    let digest = new Uint8Array(32);
    const [early, late] = [createLanes(seededRandom('lanes')), createLanes(seededRandom('late'))];
    for (const { event, payload } of entries) {
      digest = await platformCrypto.sha256(Uint8Array.from([...digest, ...(textToBytes(event.id) ?? [])]));
      for (const lanes of [early, late]) lanes.push({ event, payload });
      expect(early.digest(author, todayLane)).toEqual(digest);
    }
    expect(late.heads()).toEqual([{ author, lane: todayLane, next: 20, digest }]);
  });

  it('take a payload that comes late, for a new event and for a packed one', async () => {
    const entries = await entriesOf(3 * limits.segmentEventsMax);
    const lanes = createLanes(seededRandom('lanes'));
    for (const { event, payload } of entries) lanes.push({ event, payload });
    for (const seq of [0, 10, entries.length - 8]) {
      const id = entries[seq]?.event.id ?? '';
      expect(lanes.fill(id, hashOf('late'))?.payload).toEqual(hashOf('late'));
      expect(lanes.byId(id)?.payload).toEqual(hashOf('late'));
      expect([...lanes.bareIds()]).not.toContain(id);
    }
  });

  it('find by its id what stands at a place now, and no more what was cut away or lost its payload', async () => {
    const [entries, others] = [await entriesOf(3 * limits.segmentEventsMax), await entriesOf(40, 'twin')];
    const lanes = createLanes(seededRandom('lanes'));
    for (const { event, payload } of entries) lanes.push({ event, payload });
    const idOf = (entry: Entry | undefined): string => entry?.event.id ?? '';
    expect(lanes.byId(idOf(entries[300]))).toEqual(entries[300]);
    lanes.strip(idOf(entries[5]));
    expect(lanes.byId(idOf(entries[5]))).toEqual({ event: entries[5]?.event, payload: null });
    expect(lanes.truncate(author, todayLane, 20)).toEqual(entries.slice(20));
    expect(lanes.byId(idOf(entries[300]))).toBeUndefined();
    expect([lanes.byId(idOf(entries[19])), lanes.byId(idOf(entries[20]))]).toEqual([entries[19], undefined]);
    for (const { event, payload } of others.slice(20)) lanes.push({ event, payload });
    expect([lanes.byId(idOf(others[20])), lanes.byId(idOf(entries[20]))]).toEqual([others[20], undefined]);
    lanes.truncate(author, todayLane, 0);
    expect([lanes.size, lanes.heads(), lanes.places(), [...lanes.all()]]).toEqual([0, [], [], []]);
    expect(lanes.byId(idOf(entries[0]))).toBeUndefined();
    for (const { event, payload } of entries.slice(0, 30)) lanes.push({ event, payload });
    expect([lanes.byId(idOf(entries[20])), lanes.byId(idOf(others[20]))]).toEqual([entries[20], undefined]);
  });
});
