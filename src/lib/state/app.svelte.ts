import { createContext } from 'svelte';
import { communityMembers } from '../contracts/community.ts';
import { meshPeers } from '../contracts/mesh.ts';
import { nodeConfigure, nodeInfoCapability } from '../contracts/node.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import { createBattery } from './battery.svelte.ts';
import { createInstall } from './install.svelte.ts';
import { createCodeBox } from './invite-box.svelte.ts';
import { createLive } from './live.svelte.ts';
import { createNeighbourhood } from './neighbourhood.svelte.ts';
import { createStorage } from './storage.svelte.ts';
import { createToasts } from './toasts.svelte.ts';

/** Whether this tab runs the node itself or looks through another tab's. */
export type TabRole = 'starting' | 'leading' | 'following';
/** What the screens need of the connection to the node (src/lib/node/connect-node.ts). */
export type AppConnection = {
  readonly bus: BusClient;
  role(): TabRole;
  onRole(listener: (role: TabRole) => void): () => void;
  trouble(): string | null;
  onTrouble(listener: () => void): () => void;
  otherBuild(): string | null;
  close(): void;
};

/** The state that every screen shares: who this is, who is near, who belongs here, and short news. One per tab. */
export const createApp = (connection: AppConnection) => {
  const { bus } = connection;
  const info = createLive(bus, nodeInfoCapability, {});
  const mesh = createLive(bus, meshPeers, {});
  const members = createLive(bus, communityMembers, {});
  const neighbourhood = createNeighbourhood(info, mesh);
  const install = createInstall();
  const storage = createStorage({
    isMember: () => (info.value ? info.value.membership === 'member' : null),
    isInstalled: () => install.state === 'installed',
  });
  const battery = createBattery({ info: () => info.value, report: (change) => bus.call(nodeConfigure, change) });
  const toasts = createToasts();
  let role = $state(connection.role());
  let trouble = $state(connection.trouble());
  let otherBuild = $state(connection.otherBuild());
  let isWaysShown = $state(false);
  const stops = [
    connection.onRole((next) => (role = next)),
    connection.onTrouble(() => {
      trouble = connection.trouble();
      otherBuild = connection.otherBuild();
    }),
    info.stop,
    mesh.stop,
    members.stop,
    neighbourhood.stop,
    install.stop,
    storage.stop,
    battery.stop,
  ];

  return {
    bus,
    /** `value` is the newest snapshot, null before the first one. */
    info,
    mesh,
    members,
    toasts,
    /** How this device stands with its neighbours, in the words of the status pill. */
    neighbourhood,
    /** The browser's offer to install the app. */
    install,
    /** The room of this app in the browser, and whether the browser promised to keep it. */
    storage,
    /** The invite a link brought, until it is used or put aside. */
    invite: createCodeBox('join'),
    /** The code of one's own other device that a link brought, until it is used or put aside. */
    deviceCode: createCodeBox('device'),
    /** Not empty while this device waits at the door of one's own other device. */
    linking: createCodeBox('linking'),
    /** The sheet "How you are connected" is open; any screen may open it. */
    get isWaysShown() {
      return isWaysShown;
    },
    set isWaysShown(next: boolean) {
      isWaysShown = next;
    },
    get role() {
      return role;
    },
    /** Why the node cannot run, for Details; null while it is well. */
    get trouble() {
      return trouble;
    },
    /** The build of another tab that differs from this tab's; null while they are the same. */
    get otherBuild() {
      return otherBuild;
    },
    stop: () => {
      stops.splice(0).forEach((stop) => stop());
      connection.close();
    },
  };
};
export type App = ReturnType<typeof createApp>;

export const [getApp, setApp] = createContext<App>();
