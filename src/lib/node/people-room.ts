import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { onAny } from '../kernel/watch.ts';
import type { Doors } from '../mesh/doors.ts';
import type { Neighbours } from '../mesh/neighbours.ts';
import { createCommunity } from '../services/community.ts';
import { createDevices } from '../services/devices.ts';
import type { Device } from './device.ts';
import type { Entry } from './entry.ts';
import type { Identity } from './identity.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';
import { createOwnDeviceActs } from './own-device-acts.ts';
import type { OwnDevices } from './own-devices.ts';
import { createPeopleOffice } from './people-office.ts';

export type PeopleRoomDeps = {
  readonly bus: Bus;
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly device: () => Device;
  readonly holder: NeighbourhoodHolder;
  readonly neighbours: Neighbours;
  readonly doors: Doors;
  readonly entry: Entry;
  readonly own: OwnDevices;
  readonly identity: Identity;
};

export { createPeopleOffice };

/** Who belongs here and by which devices: what people see of each other, decide about each other, and do with their own devices. */
export const createPeopleRoom = (deps: PeopleRoomDeps): readonly Startable[] => {
  const { bus, holder, neighbours, doors, entry, own, identity } = deps;
  const onPeople = onAny(holder.onChange, entry.onChange, doors.onChange);
  return [
    createCommunity({
      bus,
      acts: entry.acts,
      people: createPeopleOffice(deps),
      current: holder.current,
      selfDevice: () => deps.device().device,
      waiting: () => waitingAt(doors, holder),
      invites: () => entry.invites().map((invite) => ({ ...invite, expiresAt: Math.floor(invite.expiresAt) })),
      ownEmoji: doors.ownEmoji,
      onChange: onPeople,
    }),
    createDevices({
      bus,
      ...createOwnDeviceActs(own, entry),
      onChange: onAny(
        onPeople,
        own.linking.onChange,
        identity.onChange,
        neighbours.links.onUp,
        neighbours.links.onDown,
      ),
    }),
  ];
};

/** Those who knock as a person of their own; further devices of ours stand at another door. */
const waitingAt = (doors: Doors, holder: NeighbourhoodHolder) =>
  doors.waiting().flatMap(({ guest, emoji, since, isForDevice }) =>
    isForDevice
      ? []
      : {
          request: guest.link.peer.device,
          person: guest.link.peer.person,
          name: guest.peer.name,
          emoji: [...emoji],
          since: Math.floor(since),
          isKnownPerson: holder.current()?.membership().members.has(guest.link.peer.person) ?? false,
        },
  );
