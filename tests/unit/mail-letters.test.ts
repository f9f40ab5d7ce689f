import { describe, expect, it } from 'vitest';
import { utf8, utf8ToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Letters, LetterState } from '../../src/lib/mail/letters.ts';
import type { MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { found, letIn, newNetwork, startDevice, type TestDevice } from './devices-fixture.ts';

/** The letters of a device, once its mail has been loaded behind its start. */
const lettersOf = (device: TestDevice) =>
  when(device, () => device.node().mail.letters()).then((letters) => letters as Letters);

const when = async <T>(device: TestDevice, ask: () => T | null | false): Promise<T> => {
  for (;;) {
    const answer = ask();
    if (answer !== null && answer !== false) return answer;
    await new Promise<void>((resolve) => {
      const stop = device.node().mail.onChange(() => (stop(), resolve()));
      const timer = setTimeout(() => (stop(), resolve()), 50);
      timer.unref();
    });
  }
};
const isIn = async (device: TestDevice, id: string, state: LetterState) => {
  const letters = await lettersOf(device);
  await when(device, () => letters.stateOf(id) === state);
};
const idOf = (device: TestDevice): string => {
  const here = device.node().current();
  if (!here) throw new Error(`${device.name} is in no neighbourhood`);
  return here.log.own;
};
const linked = (device: TestDevice, other: string) => when(device, () => device.node().links.of(other));

/** The first letter of a topic that comes. */
const reads = async (device: TestDevice, topic: string) => {
  const letters = await lettersOf(device);
  return new Promise<{ from: string; text: string | null }>((resolve) => {
    letters.on(topic, (from, bytes) => resolve({ from, text: utf8ToText(bytes) }));
  });
};

const street = async (): Promise<{ network: MemoryNetwork; anna: TestDevice; bora: TestDevice; chen: TestDevice }> => {
  const network = newNetwork();
  const [anna, bora, chen] = [
    await startDevice('anna', network),
    await startDevice('bora', network),
    await startDevice('chen', network),
  ];
  await found(anna, 'Anna');
  await letIn(anna, bora, 'Bora');
  await letIn(anna, chen, 'Chen');
  for (const device of [anna, bora, chen]) await lettersOf(device);
  return { network, anna, bora, chen };
};

const post = async (device: TestDevice, to: string, text: string): Promise<string> => {
  const posted = await (await lettersOf(device)).post(to, 'note', utf8(text));
  if (!posted.ok) throw new Error(posted.error);
  return posted.value.id;
};

describe('a letter for one device', () => {
  it('waits at the server for bora, who reads it when anna is gone, and anna hears of it when he is gone', async () => {
    const { anna, bora, chen } = await street();
    const [annaId, boraId] = [idOf(anna), idOf(bora)];
    await bora.stop();
    await chen.stop();
    const id = await post(anna, boraId, 'your parcel is with me');
    await isIn(anna, id, 'handedOn');
    await anna.stop();
    await bora.start();
    expect(await reads(bora, 'note')).toEqual({ from: annaId, text: 'your parcel is with me' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await bora.stop();
    await anna.start();
    await isIn(anna, id, 'delivered').catch(() => undefined);
    expect((await lettersOf(anna)).stateOf(id)).toBe('delivered');
  });

  it('is carried by chen where no server is, who gives it to bora and forgets it', async () => {
    const { network, anna, bora, chen } = await street();
    const boraId = idOf(bora);
    await linked(anna, idOf(chen));
    await bora.stop();
    await when(anna, () => anna.node().links.of(boraId) === null);
    network.setFaults({ isSignallingDown: true });
    const id = await post(anna, boraId, 'by hand');
    await isIn(anna, id, 'handedOn');
    const chens = await lettersOf(chen);
    expect(chens.carried()).toBe(1);
    await anna.stop();
    network.setFaults({ isSignallingDown: false });
    await bora.start();
    expect((await reads(bora, 'note')).text).toBe('by hand');
    await when(chen, () => chens.carried() === 0);
  });

  it('goes straight to bora while he is linked, and is delivered only when he has said so', async () => {
    const { anna, bora } = await street();
    await linked(anna, idOf(bora));
    const id = await post(anna, idOf(bora), 'at once');
    await isIn(anna, id, 'delivered');
    expect((await reads(bora, 'note')).text).toBe('at once');
  });

  it('waits here and says so where nobody is', async () => {
    const { network, anna, bora, chen } = await street();
    const boraId = idOf(bora);
    await bora.stop();
    await chen.stop();
    await when(anna, () => anna.node().links.all().length === 0);
    network.setFaults({ isSignallingDown: true });
    const id = await post(anna, boraId, 'alone');
    expect((await lettersOf(anna)).stateOf(id)).toBe('waiting');
    network.setFaults({ isSignallingDown: false });
    await isIn(anna, id, 'handedOn');
  });

  it('to nobody who lives here, or too long, is refused by name', async () => {
    const { anna, bora } = await street();
    const letters = await lettersOf(anna);
    const reasons = [
      await letters.post('AAAA', 'note', utf8('x')),
      await letters.post(idOf(bora), 'note', new Uint8Array(limits.letterBytesMax)),
      await letters.post(idOf(bora), 'n'.repeat(limits.letterTopicCharsMax + 1), utf8('x')),
    ];
    expect(reasons.map((each) => (each.ok ? 'taken' : each.error))).toEqual([
      'device-unknown',
      'letter-too-long',
      'letter-too-long',
    ]);
  });
});
