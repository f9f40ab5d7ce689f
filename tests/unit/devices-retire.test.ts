import { describe, expect, it } from 'vitest';
import { devicesList } from '../../src/lib/contracts/devices.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import {
  copyDisk,
  found,
  hears,
  isIn,
  letIn,
  link,
  newNetwork,
  now,
  say,
  startDevice,
  until,
} from './devices-fixture.ts';

describe('a disk that went back in time', () => {
  it("bora's device sees that anna holds more of it, takes a new key by itself and goes on with all it had said", async () => {
    const network = newNetwork();
    const [anna, bora] = [await startDevice('anna', network), await startDevice('bora', network)];
    await found(anna, 'Anna');
    await letIn(anna, bora, 'Bora');
    const before = await now(bora, nodeInfoCapability, {});
    const backup = copyDisk(bora.disk);
    await say(bora, 'after the backup');
    await hears(anna, 'after the backup');
    await bora.stop();

    const again = await startDevice('bora', network, { disk: backup, seed: 'bora' });
    await again.restarted();
    await isIn(again);
    const after = await now(again, nodeInfoCapability, {});
    expect(after.person).toBe(before.person);
    expect(after.device).not.toBe(before.device);
    const list = await until(again, devicesList, {}, ({ devices }) => devices.some(({ state }) => state === 'revoked'));
    expect(list.retiredReason).toBe('own-behind');
    expect(list.devices.find(({ device }) => device === before.device)?.state).toBe('revoked');
    await hears(again, 'after the backup');
    await say(again, 'with the new key');
    const heard = await hears(anna, 'with the new key');
    expect(heard.messages.map(({ text }) => text)).toEqual(['after the backup', 'with the new key']);
    expect(new Set(heard.messages.map(({ person }) => person))).toEqual(new Set([before.person]));
  });

  it('of a device without the root key makes it a stranger that says why and can be linked again', async () => {
    const network = newNetwork();
    const [anna, phone] = [await startDevice('anna', network), await startDevice('phone', network)];
    await found(anna, 'Anna');
    await link(anna, phone, false);
    const { person } = await now(anna, nodeInfoCapability, {});
    const backup = copyDisk(phone.disk);
    await say(phone, 'after the backup');
    await hears(anna, 'after the backup');
    await phone.stop();

    const again = await startDevice('phone', network, { disk: backup, seed: 'phone' });
    await again.restarted();
    const stranger = await now(again, nodeInfoCapability, {});
    expect(stranger.person).not.toBe(person);
    expect(stranger.membership).toBe('none');
    expect((await now(again, devicesList, {})).retiredReason).toBe('own-behind');
    await link(anna, again, true, 2);
    expect((await now(again, nodeInfoCapability, {})).person).toBe(person);
    await hears(again, 'after the backup');
  });
});

describe('a copied profile', () => {
  it('that wrote on both sides ends the key on both: each comes back with a new one, and both are still bora', async () => {
    const network = newNetwork();
    const [anna, bora] = [await startDevice('anna', network), await startDevice('bora', network)];
    await found(anna, 'Anna');
    await letIn(anna, bora, 'Bora');
    const old = await now(bora, nodeInfoCapability, {});
    await bora.stop();
    const copy = await startDevice('copy', newNetwork(), { disk: copyDisk(bora.disk), seed: 'bora' });
    await say(copy, 'from the copy');
    const written = copyDisk(copy.disk);
    await copy.stop();

    await bora.start();
    await say(bora, 'from the first');
    await hears(anna, 'from the first');
    await bora.stop();
    const second = await startDevice('second', network, { disk: written, seed: 'bora' });
    await second.restarted();
    await isIn(second);
    await bora.start();
    await bora.restarted();
    await isIn(bora);
    const [one, other] = [await now(bora, nodeInfoCapability, {}), await now(second, nodeInfoCapability, {})];
    expect(new Set([one.device, other.device, old.device]).size).toBe(3);
    expect([one.person, other.person]).toEqual([old.person, old.person]);
    expect((await now(second, devicesList, {})).retiredReason).toBe('own-forked');
    await say(second, 'we are both bora');
    await hears(anna, 'we are both bora');
    await hears(bora, 'we are both bora');
  });
});
