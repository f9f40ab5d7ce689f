import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { encodeRuns, rootName, type Run } from '../../src/lib/replica/canonical.ts';
import { encodeStateVector } from '../../src/lib/replica/frames.ts';
import { guardUpdate } from '../../src/lib/replica/guard.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { makePerson, todayLane } from './street-fixture.ts';

const random = seededRandom('canonical');
const authorsOf = async (...names: string[]): Promise<Run[]> =>
  Promise.all(
    names.map(async (name, at) => {
      const { device } = await makePerson(name);
      const envelopes = Array.from({ length: 3 + 2 * at }, () => random.bytes(150 + randomInt(random, 60)));
      return { author: device, client: clientOf(device, todayLane), start: 0, envelopes };
    }),
  );

/** The same events written by Yjs itself: each author in a document of its own with its own client, then all in one. */
const writtenByYjs = (runs: readonly Run[]): { whole: Y.Doc; steps: Uint8Array[] } => {
  const whole = new Y.Doc({ gc: false });
  const steps: Uint8Array[] = [];
  for (const { author, client, envelopes } of runs) {
    const own = new Y.Doc({ gc: false });
    own.clientID = client;
    own.on('update', (update: Uint8Array) => steps.push(update));
    for (const envelope of envelopes) own.getArray(rootName(author)).push([envelope]);
    Y.applyUpdate(whole, Y.encodeStateAsUpdate(own));
  }
  return { whole, steps };
};

describe('the canonical update', () => {
  it("has Yjs' own bytes for one author and for several, whatever order the runs come in", async () => {
    for (const names of [['anna'], ['anna', 'bora'], ['anna', 'bora', 'chen', 'dana', 'emil']]) {
      const runs = await authorsOf(...names);
      const { whole } = writtenByYjs(runs);
      expect(encodeRuns(runs)).toEqual(Y.encodeStateAsUpdate(whole));
      expect(encodeRuns(runs.toReversed())).toEqual(Y.encodeStateAsUpdate(whole));
    }
  });

  it("has Yjs' own bytes for each event as it is added", async () => {
    const runs = await authorsOf('anna', 'bora');
    const { steps } = writtenByYjs(runs);
    const ours = runs.flatMap((run) =>
      run.envelopes.map((envelope, seq) => encodeRuns([{ ...run, start: seq, envelopes: [envelope] }])),
    );
    expect(ours).toEqual(steps);
  });

  it("has Yjs' own bytes for what somebody lacks", async () => {
    const runs = await authorsOf('anna', 'bora', 'chen');
    const { whole } = writtenByYjs(runs);
    const held = runs.map((run) => ({ ...run, envelopes: run.envelopes.slice(0, 2) }));
    const diff = Y.encodeStateAsUpdate(whole, Y.encodeStateVector(writtenByYjs(held).whole));
    expect(encodeRuns(runs.map((run) => ({ ...run, start: 2, envelopes: run.envelopes.slice(2) })))).toEqual(diff);
  });

  it('is read by a stock Y.Doc, in any order and any number of times', async () => {
    const runs = await authorsOf('anna', 'bora');
    const single = runs.flatMap((run) =>
      run.envelopes.map((envelope, seq) => encodeRuns([{ ...run, start: seq, envelopes: [envelope] }])),
    );
    const reader = new Y.Doc({ gc: false });
    for (const update of [...single.toReversed(), ...single]) Y.applyUpdate(reader, update);
    for (const { author, envelopes } of runs) expect(reader.getArray(rootName(author)).toArray()).toEqual(envelopes);
    expect(Y.encodeStateAsUpdate(reader)).toEqual(encodeRuns(runs));
  });

  it('passes our own guard, struct by struct', async () => {
    const runs = await authorsOf('anna', 'bora');
    const guarded = guardUpdate(encodeRuns(runs));
    const expected = runs
      .toSorted((a, b) => b.client - a.client)
      .flatMap(({ author, client, envelopes }) =>
        envelopes.map((envelope, clock) => ({ client, clock, root: clock === 0 ? rootName(author) : null, envelope })),
      );
    expect(guarded).toEqual({ ok: true, value: expected });
  });

  it('of nothing is two zero bytes, and runs without events are left out', async () => {
    const [run] = await authorsOf('anna');
    expect(encodeRuns([])).toEqual(Uint8Array.of(0, 0));
    expect(encodeRuns(run ? [{ ...run, envelopes: [] }] : [])).toEqual(Uint8Array.of(0, 0));
  });

  it("comes with Yjs' own state vector", async () => {
    for (const names of [[], ['anna'], ['anna', 'bora', 'chen', 'dana']]) {
      const runs = await authorsOf(...names);
      const clocks = new Map(runs.map(({ client, envelopes }) => [client, envelopes.length]));
      expect(encodeStateVector(clocks)).toEqual(Y.encodeStateVector(writtenByYjs(runs).whole));
    }
  });

  it('gives each device in each lane a client of its own, below 2^53', async () => {
    const { device } = await makePerson('anna');
    const clients = await Promise.all(Array.from({ length: 50 }, (_, lane) => clientOf(device, lane)));
    expect(new Set(clients).size).toBe(50);
    expect(clients.every((client) => Number.isSafeInteger(client) && client > 0)).toBe(true);
  });
});
