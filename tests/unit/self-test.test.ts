import { afterEach, describe, expect, it } from 'vitest';
import { nodeSelfTest } from '../../src/lib/contracts/node.ts';
import { err } from '../../src/lib/kernel/result.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { lateParts } from '../../src/lib/node/late-parts.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import type { SelfTestDeps } from '../../src/lib/node/self-test.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

/** Anna's node, some of whose modules the test breaks under the self-test's eyes. */
const stepsAt = async (broken: (deps: SelfTestDeps) => Partial<SelfTestDeps> = () => ({})) => {
  const network = createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
  const parts = {
    ...lateParts,
    selfTest: async () => {
      const part = await lateParts.selfTest();
      if (!part.ok) return part;
      const { selfTestSteps } = part.value;
      return ok({ selfTestSteps: (deps: SelfTestDeps) => selfTestSteps({ ...deps, ...broken(deps) }) });
    },
  };
  const node = await createTestNode({ name: 'anna', network, parts, withStarter: true });
  running.push(node);
  const reply = await node.bus.call(nodeSelfTest, {});
  if (!reply.ok) throw new Error(reply.error.reason);
  return reply.value.output.steps;
};
const failing = async (broken: (deps: SelfTestDeps) => Partial<SelfTestDeps>): Promise<string[]> =>
  (await stepsAt(broken)).filter((step) => !step.ok).map(({ name }) => name);

describe('the self-test', () => {
  it('tries every module now, and all of a sound device prove themselves', { timeout: 120_000 }, async () => {
    const steps = await stepsAt();
    expect(steps.filter((step) => !step.ok)).toEqual([]);
    expect(steps.map(({ name }) => name)).toEqual([
      'storage',
      'identity',
      'crypto',
      'tokens',
      'log',
      'blobs',
      'search',
      'documents',
      'signalling',
      'bus',
      'gates',
      'mesh',
    ]);
  });

  it('names the module that does not work, and no other', { timeout: 240_000 }, async () => {
    expect(await failing(({ store }) => ({ store: { ...store, get: async () => 'something else' } }))).toEqual([
      'storage',
    ]);
    expect(await failing(({ blobs }) => ({ blobs: { ...blobs, put: async () => err('quota-full') } }))).toEqual([
      'blobs',
    ]);
    expect(
      await failing(({ blobs }) => ({ blobs: { ...blobs, view: () => blobs.list()[0] ?? ({} as never) } })),
    ).toEqual(['blobs']);
    expect(
      await failing(({ documents }) => ({
        documents: { ...documents, edit: async () => ok({ updates: [], placed: [] }) },
      })),
    ).toEqual(['documents']);
    expect(
      await failing(({ search }) => ({
        search: { ...search, search: async () => ({ passages: [], quotes: [], evidence: 0 }) as never },
      })),
    ).toEqual(['search']);
    expect(
      await failing(({ transport }) => ({
        transport: {
          ...transport,
          state: () => ({ ...transport.state(), signalling: { url: '', state: 'lost', since: 0 } }),
        },
      })),
    ).toEqual(['signalling']);
    expect(await failing(({ crypto }) => ({ crypto: { ...crypto, verify: async () => true } }))).toEqual(['identity']);
    expect(await failing(({ crypto }) => ({ crypto: { ...crypto, verify: async () => false } }))).toEqual([
      'identity',
      'tokens',
    ]);
  });

  it('fails a bus whose gates stand open, and one that throws, and says which', { timeout: 120_000 }, async () => {
    const open = ({ bus }: SelfTestDeps): Partial<SelfTestDeps> => ({ bus: { ...bus, judge: async () => null } });
    expect(await failing(open)).toEqual(['gates']);
    const throwing = ({ bus }: SelfTestDeps): Partial<SelfTestDeps> => ({
      bus: { ...bus, call: () => Promise.reject(new Error('the bus is down')) },
    });
    expect(await failing(throwing)).toEqual(['bus']);
  });

  it('leaves no strangers in the list of calls', { timeout: 120_000 }, async () => {
    await stepsAt();
    const [node] = running;
    const callers = new Set(node?.bus.traces.list(100).map(({ caller }) => caller));
    expect([...callers]).toEqual(['self']);
  });
});
