import type { BusClient } from '../../src/lib/kernel/bus/bus-client.ts';
import type { Reply } from '../../src/lib/kernel/bus/call.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import type { NodeConnection, Obstacle } from '../../src/lib/node/connect-node.ts';
import { isRefusal } from './fake-refusal.ts';
import { createScene, type Scene } from './fake-scene.ts';

/**
 * A scripted node for looking at the screens: `vite --config tests/support/screens.vite.config.ts` puts it in the place
 * of connect-node.ts. Never part of the app. `?scene=new|pending|alone|street|trouble|insecure` chooses the story;
 * the choice lasts for the tab.
 */
const sceneName = (): string => {
  const asked = new URLSearchParams(location.search).get('scene');
  if (asked) sessionStorage.setItem('fake.scene', asked);
  return sessionStorage.getItem('fake.scene') ?? 'street';
};

export const findObstacle = (): Obstacle | null => (sceneName() === 'insecure' ? 'insecure-origin' : null);

export const connectNode = (): NodeConnection => {
  const name = sceneName();
  const scene = createScene(name);
  // As a real node: the last sign of life of each neighbour is told every three seconds.
  setInterval(scene.goOn, 3_000);
  return {
    bus: createFakeBus(scene),
    role: () => (name === 'second' ? 'following' : 'leading'),
    onRole: () => () => undefined,
    trouble: () => (name === 'trouble' ? 'storage-refused: the database could not be opened' : null),
    onTrouble: () => () => undefined,
    otherBuild: () => null,
    close: () => undefined,
  };
};

/** Answers from the scene; a stream yields the scene's snapshot now and at each change until its reader leaves. */
export const createFakeBus = (scene: Scene): BusClient => {
  const meta = { servedBy: scene.device, route: 'local' as const, ms: 4, trace: 'scene', attempts: 1 };
  const answer = async (name: string, input: unknown): Promise<Reply<unknown>> => {
    const output = await scene.answer(name, input);
    if (isRefusal(output)) return err(failure(output.refused, output.reason));
    return output === undefined ? err(failure('unavailable', `the scene has no ${name}`)) : ok({ output, meta });
  };
  return {
    call: async (capability, input) => (await answer(capability.name, input)) as never,
    stream: async function* (capability, input, options) {
      const hasEnd = capability.timeoutMs !== 0;
      if (hasEnd) {
        yield* (scene.steps(capability.name) ?? []) as AsyncIterable<never>;
        return (await answer(capability.name, input)) as never;
      }
      while (!options?.signal?.aborted) {
        const changed = scene.nextChange(options?.signal);
        const reply = await answer(capability.name, input);
        if (!reply.ok) return reply as never;
        yield reply.value.output as never;
        await changed;
      }
      return err(failure('cancelled', 'the reader left')) as never;
    },
  };
};
