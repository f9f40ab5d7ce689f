import { appendFileSync } from 'node:fs';
import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';

/** What a fuzzer saw: how many inputs, how many of them were taken, and those that were taken and must not have been. */
export type FuzzTally = { inputs: number; taken: number; wrong: number; threw: number };

/** `bench reliability` asks for more inputs than `npm test`, from other seeds, and reads what every fuzzer saw from this file. */
const times = Math.max(1, Number(process.env.HEARTHNET_FUZZ_TIMES ?? 1));
const tallyFile = process.env.HEARTHNET_FUZZ_TALLY;

const pick = <T>(random: Random, items: readonly T[]): T | undefined => items[randomInt(random, items.length)];

/** One hostile input: noise, or an honest message that was flipped, cut, doubled, stretched or crossed with another one. */
export const mutate = (random: Random, seeds: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const honest = pick(random, seeds) ?? new Uint8Array(1);
  const at = randomInt(random, honest.length + 1);
  switch (randomInt(random, 8)) {
    case 0:
      return random.bytes(randomInt(random, 120));
    case 1:
      return new Uint8Array(honest.slice(0, at));
    case 2: {
      const other = pick(random, seeds) ?? honest;
      return Uint8Array.from([...honest.subarray(0, at), ...other.subarray(randomInt(random, other.length + 1))]);
    }
    case 3:
      return Uint8Array.from([
        ...honest.subarray(0, at),
        ...random.bytes(1 + randomInt(random, 9)),
        ...honest.subarray(at),
      ]);
    case 4:
      return Uint8Array.from([
        ...honest.subarray(0, at),
        ...honest.subarray(Math.min(honest.length, at + 1 + randomInt(random, 4))),
      ]);
    case 5: {
      const lengthened = new Uint8Array(honest);
      lengthened.set(
        pick(random, [
          [0xff],
          [0x1b, 0xff, 0xff, 0xff],
          [0x9a, 0xff, 0xff, 0xff, 0xff],
          [0x80, 0x80, 0x80, 0x80],
          [0xbf],
          [0x5f],
        ])?.slice(0, Math.max(0, honest.length - at)) ?? [],
        at,
      );
      return lengthened;
    }
    default: {
      const flipped = new Uint8Array(honest);
      for (let flips = 1 + randomInt(random, 4); flips > 0 && flipped.length > 0; flips--)
        flipped[randomInt(random, flipped.length)] = randomInt(random, 256);
      return flipped;
    }
  }
};

/** Feeds a decoder. `check` gives null for a refusal, true for something taken that is canonical, false for something that is not. */
export const fuzz = async (
  seed: number,
  inputs: number,
  seeds: readonly Uint8Array[],
  check: (bytes: Uint8Array<ArrayBuffer>) => boolean | null | Promise<boolean | null>,
): Promise<FuzzTally> => {
  const random = createSeededRandom(times === 1 ? seed : seed * 1_000 + times);
  const tally: FuzzTally = { inputs: inputs * times, taken: 0, wrong: 0, threw: 0 };
  for (let at = 0; at < tally.inputs; at++) {
    try {
      const outcome = await check(mutate(random, seeds));
      if (outcome !== null) tally.taken += 1;
      if (outcome === false) tally.wrong += 1;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      tally.threw += 1;
    }
  }
  if (tallyFile !== undefined) appendFileSync(tallyFile, `${JSON.stringify(tally)}\n`);
  return tally;
};

/** The name of a decoder beside what a fuzzer must have seen. */
export const harmless = (inputs: number) => ({ inputs: inputs * times, wrong: 0, threw: 0 });
