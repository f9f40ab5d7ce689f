import type { Membership } from '../log/membership.ts';

/** How many devices a neighbourhood has. Asked at every step of what spreads, so counted once for each fold of the log. */
export const createDeviceCount = (membership: () => Membership | undefined): (() => number) => {
  let counted: { readonly of: Membership | undefined; readonly devices: number } = { of: undefined, devices: 0 };
  return () => {
    const of = membership();
    if (of !== counted.of) {
      const members = [...(of?.members.values() ?? [])];
      counted = { of, devices: members.reduce((all, { devices }) => all + devices.length, 0) };
    }
    return counted.devices;
  };
};
