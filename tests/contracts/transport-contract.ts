import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { channels } from '../../src/lib/kernel/ports/transport.ts';
import { bring, say, textsOn, type Person } from './transport-people.ts';
import type { TransportWorld } from './transport-world.ts';

export type TransportContract = {
  readonly name: string;
  readonly createWorld: () => TransportWorld | Promise<TransportWorld>;
  /** Whether the devices meet through a server that a stranger can talk to; its world has a stranger then. */
  readonly hasServer: boolean;
};

/** What every transport must do, hostile cases included. */
export const runTransportContract = ({ name, createWorld, hasServer }: TransportContract): void => {
  describe(`transport contract: ${name}`, () => {
    let world: TransportWorld;
    beforeEach(async () => {
      world = await createWorld();
    });
    afterEach(() => world.dispose());

    const areLinked = (a: Person, b: Person, aName: string, bName: string) => (): boolean =>
      a.to(bName)?.ends.length === 0 && b.to(aName)?.ends.length === 0;
    const bringTwo = async (): Promise<{ anna: Person; bora: Person }> => {
      const anna = bring(world, 'anna');
      const bora = bring(world, 'bora');
      await world.until('anna and bora are linked', areLinked(anna, bora, 'anna', 'bora'));
      return { anna, bora };
    };

    it('gives anna and bora the two ends of one pipe: same binding, the smaller name offers', async () => {
      const { anna, bora } = await bringTwo();
      const [annas, boras] = [anna.to('bora')?.carrier, bora.to('anna')?.carrier];
      expect(annas?.isOfferer).toBe(true);
      expect(boras?.isOfferer).toBe(false);
      expect(annas?.binding).toHaveLength(32);
      expect(annas?.binding).toEqual(boras?.binding);
      expect(anna.pipes).toHaveLength(1);
      expect(bora.pipes).toHaveLength(1);
    });

    it('carries what they say on three channels, both ways, in order within each', async () => {
      const { anna, bora } = await bringTwo();
      const numbers = Array.from({ length: 50 }, (_, at) => String(at));
      for (const number of numbers) {
        for (const channel of channels) {
          expect(say(anna.to('bora'), channel, `${channel} ${number}`)).toBe(true);
          expect(say(bora.to('anna'), channel, `back ${number}`)).toBe(true);
        }
      }
      await world.until(
        'all has arrived',
        () => anna.to('bora')?.heard.length === 150 && bora.to('anna')?.heard.length === 150,
      );
      for (const channel of channels) {
        expect(textsOn(bora.to('anna'), channel)).toEqual(numbers.map((number) => `${channel} ${number}`));
        expect(textsOn(anna.to('bora'), channel)).toEqual(numbers.map((number) => `back ${number}`));
      }
    });

    it('carries the largest message and an empty one, and refuses one byte more than the largest', async () => {
      const { anna, bora } = await bringTwo();
      const largest = new Uint8Array(limits.carrierMessageBytesMax).fill(97);
      const carrier = anna.to('bora')?.carrier;
      expect(carrier?.send('bulk', new Uint8Array(limits.carrierMessageBytesMax + 1))).toBe(false);
      expect(carrier?.send('bulk', largest)).toBe(true);
      largest.fill(98); // The sender may use its buffer again at once.
      expect(carrier?.send('bulk', new Uint8Array(0))).toBe(true);
      await world.until('both have arrived', () => textsOn(bora.to('anna'), 'bulk').length === 2);
      expect(textsOn(bora.to('anna'), 'bulk')).toEqual(['a'.repeat(limits.carrierMessageBytesMax), '']);
    });

    it('refuses more than it can queue, tells when it has drained, and loses nothing it took', async () => {
      const { anna, bora } = await bringTwo();
      const pipe = anna.to('bora');
      const message = new Uint8Array(limits.chunkBytes).fill(97);
      let taken = 0;
      while (pipe?.carrier.send('bulk', message) === true && taken < 1_000) taken += 1;
      expect(taken).toBeGreaterThan(1);
      expect(taken).toBeLessThan(1_000);
      expect(pipe?.carrier.bufferedBytes('bulk')).toBeGreaterThan(limits.bufferedAmountLowBytes);
      expect(pipe?.carrier.bufferedBytes('rpc')).toBe(0);
      await world.until('the queue has drained', () => (pipe?.drains ?? 0) > 0);
      await world.until('all that was taken has arrived', () => textsOn(bora.to('anna'), 'bulk').length === taken);
      await world.until('nothing is queued', () => pipe?.carrier.bufferedBytes('bulk') === 0);
    });

    it('gives everybody a pipe to everybody else when chen comes later', async () => {
      const { anna, bora } = await bringTwo();
      const chen = bring(world, 'chen');
      await world.until('chen is linked with anna', areLinked(anna, chen, 'anna', 'chen'));
      await world.until('chen is linked with bora', areLinked(bora, chen, 'bora', 'chen'));
      expect(chen.pipes).toHaveLength(2);
      expect(chen.pipes.map(({ carrier }) => carrier.isOfferer)).toEqual([false, false]);
    });

    it('gives no carrier to mallory, who knows the tag but not the key', async () => {
      const mallory = bring(world, 'mall', { key: 2 });
      const { anna, bora } = await bringTwo();
      await world.settle();
      expect(mallory.pipes).toEqual([]);
      expect(anna.pipes).toHaveLength(1);
      expect(bora.pipes).toHaveLength(1);
    });

    it('opens nothing to somebody the mesh does not want, whichever side that is', async () => {
      const anna = bring(world, 'anna', { wants: () => false });
      const bora = bring(world, 'bora');
      const chen = bring(world, 'chen', { wants: () => false });
      await world.settle();
      expect([anna.pipes, bora.pipes, chen.pipes]).toEqual([[], [], []]);
    });

    it('tells both ends once when anna closes, and takes nothing afterwards', async () => {
      const { anna, bora } = await bringTwo();
      const [annas, boras] = [anna.to('bora'), bora.to('anna')];
      anna.leave();
      annas?.carrier.close();
      annas?.carrier.close();
      expect(say(annas, 'rpc', 'too late')).toBe(false);
      await world.until('bora knows', () => boras?.ends.length === 1);
      await world.settle();
      expect(annas?.ends).toHaveLength(1);
      expect(boras?.ends).toHaveLength(1);
      expect(say(boras, 'rpc', 'too late')).toBe(false);
      expect(boras?.heard).toEqual([]);
    });

    it('brings them together again after a pipe ended', async () => {
      const { anna, bora } = await bringTwo();
      bora.to('anna')?.carrier.close();
      await world.until('both know', () => anna.pipes[0]?.ends.length === 1 && bora.pipes[0]?.ends.length === 1);
      await world.until('they are linked again', areLinked(anna, bora, 'anna', 'bora'));
      expect(anna.to('bora')?.carrier.binding).not.toEqual(anna.pipes[0]?.carrier.binding);
      say(anna.to('bora'), 'sync', 'here again');
      await world.until('bora hears', () => textsOn(bora.to('anna'), 'sync').includes('here again'));
    });

    it('keeps what came before bora listens', async () => {
      const anna = bring(world, 'anna');
      const bora = bring(world, 'bora', { isLateListener: true });
      await world.until('both have a pipe', () => anna.pipes.length === 1 && bora.pipes.length === 1);
      for (const text of ['one', 'two', 'three']) say(anna.to('bora'), 'sync', text);
      await world.settle();
      bora.pipes[0]?.listen();
      expect(textsOn(bora.pipes[0], 'sync')).toEqual(['one', 'two', 'three']);
      say(anna.to('bora'), 'sync', 'four');
      await world.until('bora hears on', () => textsOn(bora.pipes[0], 'sync').length === 4);
    });

    it('closes a pipe to which nobody listens when too much has come, rather than keep it all', async () => {
      const anna = bring(world, 'anna');
      bring(world, 'bora', { isLateListener: true });
      await world.until('anna has a pipe', () => anna.pipes.length === 1);
      const message = new Uint8Array(limits.chunkBytes);
      await world.until('the pipe is closed', () => {
        anna.pipes[0]?.carrier.send('bulk', message);
        return anna.pipes[0]?.ends.length === 1;
      });
    });

    it('meets nobody any more in a place that was left, and keeps the pipes made there', async () => {
      const { anna, bora } = await bringTwo();
      anna.leave();
      anna.leave();
      const chen = bring(world, 'chen');
      await world.until('bora and chen are linked', areLinked(bora, chen, 'bora', 'chen'));
      await world.settle();
      expect(anna.pipes).toHaveLength(1);
      expect(chen.to('anna')).toBeUndefined();
      say(anna.to('bora'), 'rpc', 'still here');
      await world.until('bora hears', () => textsOn(bora.to('anna'), 'rpc').includes('still here'));
    });

    it('closes every pipe when it is stopped, and the others hear of it', async () => {
      const { anna, bora } = await bringTwo();
      anna.transport.stop();
      anna.transport.stop();
      await world.until('bora knows', () => bora.to('anna')?.ends.length === 1);
      expect(anna.to('bora')?.ends).toHaveLength(1);
      await world.settle();
      expect(bora.pipes).toHaveLength(1);
    });

    if (hasServer)
      it('takes no notice of a stranger who repeats, mangles and floods what is said at the place', async () => {
        const { stranger } = world;
        if (stranger === null) throw new Error('a transport with a server needs a stranger on it');
        const { anna, bora } = await bringTwo();
        const recorded = stranger.heard('a-tag');
        expect(recorded.length).toBeGreaterThan(2);
        for (const data of recorded) {
          stranger.publish('a-tag', data);
          stranger.publish('a-tag', data.slice(0, -7));
          stranger.publish('a-tag', `${data.slice(0, 40)}${data[40] === 'A' ? 'B' : 'A'}${data.slice(41)}`);
        }
        for (const data of ['', '{}', 'AAAA', '\u0000', 'A'.repeat(50_000), 'A'.repeat(500_000)])
          stranger.publish('a-tag', data);
        await world.settle();
        expect(anna.pipes).toHaveLength(1);
        expect(bora.pipes).toHaveLength(1);
        say(anna.to('bora'), 'rpc', 'undisturbed');
        await world.until('bora hears', () => textsOn(bora.to('anna'), 'rpc').includes('undisturbed'));
        const chen = bring(world, 'chen');
        await world.until('the place still works', areLinked(anna, chen, 'anna', 'chen'));
      });
  });
};
