import {
  devicesConfirm,
  devicesLinkCode,
  devicesList,
  devicesRevoke,
  type Devices,
  type OwnDevice,
} from '../contracts/devices.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { createActs } from './acts.svelte.ts';
import { createLive } from './live.svelte.ts';
import { perBus } from './per-bus.ts';

export type { Devices, OwnDevice };
/** One's own new device at the door. */
export type Linking = Devices['linking'][number];

/** This device first, then those in use by how lately they were heard, then frozen ones, then those given up. */
export const sortDevices = (devices: readonly OwnDevice[]): readonly OwnDevice[] =>
  devices.toSorted(
    (a, b) =>
      Number(b.isSelf) - Number(a.isSelf) ||
      order[a.state] - order[b.state] ||
      (b.lastHeardAt ?? 0) - (a.lastHeardAt ?? 0) ||
      b.since - a.since ||
      (a.device < b.device ? -1 : 1),
  );
const order = { active: 0, frozen: 1, revoked: 2 } as const;

/** The recovery card has to be kept somewhere outside of this device, and nobody has tried yet whether it is. */
export const isCardUntested = (devices: Devices | null): boolean =>
  devices !== null && devices.hasRoot && devices.cardTestedAt === null;

/** This person's devices and the acts on them. Follows the list while the tab lives. */
export const createDevicesState = (bus: BusClient) => {
  const live = createLive(bus, devicesList, {});
  const acts = createActs<'code' | 'confirm' | 'revoke'>();

  return {
    live,
    get busy() {
      return acts.busy;
    },
    failureOf: acts.failureOf,
    forget: acts.forget,
    /** Makes a code for a further device; it then stands in the list's snapshot. */
    makeCode: () => acts.run('code', () => bus.call(devicesLinkCode, {})),
    /** The tap after the six pictures were compared. */
    confirm: async (request: string, accept: boolean, withRoot: boolean): Promise<boolean> =>
      (await acts.run('confirm', () => bus.call(devicesConfirm, { request, accept, withRoot }))) !== null,
    revoke: async (device: string): Promise<boolean> =>
      (await acts.run('revoke', () => bus.call(devicesRevoke, { device }))) !== null,
  };
};
export type DevicesState = ReturnType<typeof createDevicesState>;

export const devicesStateOf = perBus(createDevicesState);
