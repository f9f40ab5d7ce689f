import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { MemoryFaults } from '../../src/lib/transports/memory-faults.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { bring, say, textsOn, type Person } from './transport-people.ts';
import {
  createSeededRandom,
  createVirtualClock,
  passVirtualTime,
  type TransportWorld,
  type VirtualClock,
} from './transport-world.ts';

type Neighbourhood = {
  readonly network: MemoryNetwork;
  readonly clock: VirtualClock;
  readonly world: TransportWorld & { pass(ms: number): Promise<void> };
};

const createNeighbourhood = (faults: Partial<MemoryFaults> = {}, seed = 5): Neighbourhood => {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock, random: createSeededRandom(seed), faults });
  return {
    network,
    clock,
    world: { transport: network.transport, ...passVirtualTime(clock), stranger: null, dispose: async () => {} },
  };
};
const openPipes = (person: Person): string[] =>
  person.pipes
    .filter(({ ends }) => ends.length === 0)
    .map(({ participant }) => participant)
    .toSorted();

describe('memory network', () => {
  it('tells the same story again for the same seed, and another one for another', async () => {
    const story = async (seed: number): Promise<string> => {
      const { network, world } = createNeighbourhood(
        { meetingLossChance: 0.2, cutChance: 0.05, carrierDelayMs: [1, 200] },
        seed,
      );
      const people = ['anna', 'bora', 'chen', 'dora'].map((name) => bring(world, name));
      const lines: string[] = [];
      for (let round = 0; round < 40; round++) {
        await world.pass(500);
        if (round === 20) network.partition([['anna', 'bora']]);
        if (round === 30) network.heal();
        for (const person of people) for (const pipe of person.pipes) say(pipe, 'sync', `round ${round}`);
        lines.push(
          people
            .map((person) =>
              person.pipes.map((pipe) => `${pipe.participant}:${pipe.heard.length}:${pipe.ends.join()}`).join(' '),
            )
            .join(' | '),
        );
      }
      return lines.join('\n');
    };
    const told = await story(1);
    expect(await story(1)).toBe(told);
    expect(await story(2)).not.toBe(told);
  });

  it('parts anna from bora and chen, and brings them together again when it heals', async () => {
    const { network, clock, world } = createNeighbourhood({ failAfterMs: 5_000 });
    const [anna, bora, chen] = [bring(world, 'anna'), bring(world, 'bora'), bring(world, 'chen')];
    await world.until('all are linked', () => network.carrierCount() === 3);
    network.partition([['anna']]);
    expect(say(anna.to('bora'), 'sync', 'into the void')).toBe(true);
    clock.advance(5_000);
    expect([anna, bora, chen].map(openPipes)).toEqual([[], ['chen'], ['bora']]);
    await world.settle();
    expect(network.carrierCount()).toBe(1);
    network.heal();
    await world.pass(limits.announceIntervalMs * 2);
    expect([anna, bora, chen].map(openPipes)).toEqual([
      ['bora', 'chen'],
      ['anna', 'chen'],
      ['anna', 'bora'],
    ]);
    expect(textsOn(bora.pipes[0], 'sync')).toEqual([]);
  });

  it('delivers what waited when the way is free again before the carrier fails', async () => {
    const { network, clock, world } = createNeighbourhood({ failAfterMs: 5_000 });
    const [anna, bora] = [bring(world, 'anna'), bring(world, 'bora')];
    await world.until('they are linked', () => network.carrierCount() === 1);
    network.partition([['anna'], ['bora']]);
    for (const text of ['one', 'two', 'three']) say(anna.to('bora'), 'sync', text);
    clock.advance(3_000);
    expect(bora.to('anna')?.heard).toEqual([]);
    network.heal();
    clock.advance(60_000);
    expect(textsOn(bora.to('anna'), 'sync')).toEqual(['one', 'two', 'three']);
    expect([openPipes(anna), anna.pipes.length]).toEqual([['bora'], 1]);
  });

  it('ends a pipe of which one direction is blocked, and makes none while it is', async () => {
    const { network, clock, world } = createNeighbourhood();
    const [anna, bora] = [bring(world, 'anna'), bring(world, 'bora')];
    await world.until('they are linked', () => network.carrierCount() === 1);
    network.block('bora', 'anna');
    say(anna.to('bora'), 'sync', 'can you hear me');
    say(bora.to('anna'), 'sync', 'I can');
    clock.advance(1_000);
    expect([textsOn(bora.to('anna'), 'sync'), textsOn(anna.to('bora'), 'sync')]).toEqual([['can you hear me'], []]);
    clock.advance(300_000);
    expect([network.carrierCount(), anna.pipes.length]).toEqual([0, 1]);
    network.heal();
    await world.until('they are linked again', () => openPipes(anna).length === 1 && openPipes(bora).length === 1);
  });

  it('brings eight devices together although a third of what they say at the meeting place is lost, doubled or late', async () => {
    const { network, world } = createNeighbourhood({
      meetingLossChance: 0.3,
      meetingDuplicateChance: 0.3,
      meetingReorderChance: 0.3,
      meetingDelayMs: [5, 400],
    });
    const people = Array.from('abcdefgh', (letter) => bring(world, letter));
    await world.until('everybody is linked with everybody', () =>
      people.every((person) => openPipes(person).length === 7),
    );
    expect(network.carrierCount()).toBe(28);
  });

  it('keeps pipes while the server is away, lets nobody new in, and lets them in when it is back', async () => {
    const { network, clock, world } = createNeighbourhood();
    const [anna, bora] = [bring(world, 'anna'), bring(world, 'bora')];
    await world.until('they are linked', () => network.carrierCount() === 1);
    network.setFaults({ isSignallingDown: true });
    expect(anna.transport.state().signalling.state).toBe('lost');
    const chen = bring(world, 'chen');
    clock.advance(300_000);
    say(anna.to('bora'), 'rpc', 'still here');
    clock.advance(1_000);
    expect([textsOn(bora.to('anna'), 'rpc'), chen.pipes]).toEqual([['still here'], []]);
    network.setFaults({ isSignallingDown: false });
    await world.until('chen is linked with both', () => openPipes(chen).length === 2);
  });

  it('loses what was in flight when a carrier is cut, never a message in the middle, and tells both', async () => {
    const { clock, world } = createNeighbourhood({ cutChance: 0.02, carrierDelayMs: [1, 50] });
    const [anna, bora] = [bring(world, 'anna'), bring(world, 'bora')];
    await world.until('they are linked', () => openPipes(anna).length === 1);
    clock.advance(100);
    for (let at = 0; at < 500; at++) {
      say(anna.pipes[0], 'sync', String(at));
      clock.advance(1);
    }
    clock.advance(1_000);
    const heard = textsOn(bora.pipes[0], 'sync');
    expect([anna.pipes[0]?.ends, bora.pipes[0]?.ends]).toEqual([['cut'], ['cut']]);
    expect(heard.length).toBeLessThan(500);
    expect(heard).toEqual(heard.map((_, at) => String(at)));
  });

  it('drops, doubles, swaps and damages messages in dirty mode only', async () => {
    const { network, clock, world } = createNeighbourhood();
    const [anna, bora] = [bring(world, 'anna'), bring(world, 'bora')];
    await world.until('they are linked', () => openPipes(anna).length === 1 && openPipes(bora).length === 1);
    const pour = (): string[] => {
      const before = bora.pipes[0]?.heard.length ?? 0;
      for (let at = 100; at < 500; at++) say(anna.pipes[0], 'sync', `message ${at}`);
      clock.advance(10_000);
      return textsOn(bora.pipes[0], 'sync').slice(before);
    };
    const clean = pour();
    expect(clean).toEqual(Array.from({ length: 400 }, (_, at) => `message ${at + 100}`));
    network.setFaults({ dirty: { dropChance: 0.05, duplicateChance: 0.1, reorderChance: 0.1, flipChance: 0.1 } });
    const dirty = pour();
    const known = dirty.filter((text) => clean.includes(text));
    expect(new Set(known).size).toBeLessThan(400);
    expect(known.length).toBeGreaterThan(new Set(known).size);
    expect(dirty.length).toBeGreaterThan(known.length);
    expect(known).not.toEqual(known.toSorted());
  });

  it('notices after a while that a device crashed, and takes the restarted one for the same', async () => {
    const { network, clock, world } = createNeighbourhood({ failAfterMs: 5_000 });
    const anna = bring(world, 'anna');
    const bora = bring(world, 'bora', { wants: () => true });
    await world.until('they are linked', () => openPipes(anna).length === 1 && openPipes(bora).length === 1);
    network.crash('anna');
    clock.advance(4_000);
    expect([openPipes(bora), anna.pipes[0]?.ends]).toEqual([['anna'], []]);
    const annaAgain = bring(world, 'anna');
    await world.until('she is linked anew', () => openPipes(annaAgain).length === 1);
    clock.advance(5_000);
    expect(bora.pipes.map(({ ends }) => ends)).toEqual([['connection-lost'], []]);
  });
});
