import { describe, expect, it } from 'vitest';
import { chatHistory } from '../../src/lib/contracts/chat.ts';
import { hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { monthLane } from '../../src/lib/log/event.ts';
import type { MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { found, hears, letIn, newNetwork, now, say, startDevice, until, type TestDevice } from './devices-fixture.ts';

const today = () => monthLane(hlcMonth(hlcFromMs(Date.now())));

/** Resolves when the relay says that it keeps what this device has written up to there. */
const isKept = (device: TestDevice, seq: number) =>
  new Promise<void>((resolve) => {
    const { mail } = device.node();
    const look = () => mail.isKept(today(), seq) && resolve();
    mail.onChange(look);
    look();
  });

const annaAndBora = async (): Promise<{ network: MemoryNetwork; anna: TestDevice; bora: TestDevice }> => {
  const network = newNetwork();
  const [anna, bora] = [await startDevice('anna', network), await startDevice('bora', network)];
  await found(anna, 'Anna');
  await letIn(anna, bora, 'Bora');
  return { network, anna, bora };
};

describe('mail for a neighbour who is away', () => {
  it('anna writes and closes; bora opens later with only the server there, and has it', async () => {
    const { anna, bora } = await annaAndBora();
    await bora.stop();
    await say(anna, 'the well is open again');
    await isKept(anna, 0);
    await anna.stop();
    await bora.start();
    await hears(bora, 'the well is open again');
  });

  it('anna sees that a server keeps it while bora is away, also after a restart without any server', async () => {
    const { network, anna, bora } = await annaAndBora();
    await bora.stop();
    await say(anna, 'soup at seven');
    const handedOn = () =>
      until(anna, chatHistory, { thread: 'everyone' as const, limit: 50 }, ({ messages }) =>
        messages.some(({ state, heldBy }) => state === 'handedOn' && heldBy === 0),
      );
    await handedOn();
    await anna.stop();
    network.setFaults({ isSignallingDown: true });
    await anna.start();
    await handedOn();
  });

  it('without a server nothing is said to be handed on', async () => {
    const { network, anna, bora } = await annaAndBora();
    await bora.stop();
    network.setFaults({ isSignallingDown: true });
    await say(anna, 'is anybody there');
    const { messages } = await now(anna, chatHistory, { thread: 'everyone' as const, limit: 50 });
    expect(messages.map(({ state }) => state)).toEqual(['waiting']);
    expect(anna.node().mail.isKept(today(), 0)).toBe(false);
  });
});
