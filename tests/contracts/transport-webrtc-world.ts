import { ok } from '../../src/lib/kernel/result.ts';
import { createRelayPart } from '../../src/lib/transports/relay-part.ts';
import { createWebrtcTransport, type WebrtcTransport } from '../../src/lib/transports/webrtc.ts';
import { createFakeRtc } from './transport-fake-rtc.ts';
import { createHubKey, createMeshHub, socketsTo, type MeshHub } from './transport-mesh-hub.ts';
import {
  createSeededRandom,
  createVirtualClock,
  passVirtualTime,
  type TransportWorld,
  type VirtualClock,
} from './transport-world.ts';

export type FakeWebrtcWorld = Omit<TransportWorld, 'transport'> & {
  readonly clock: VirtualClock;
  readonly hub: MeshHub;
  readonly rtc: ReturnType<typeof createFakeRtc>;
  pass(ms: number): Promise<void>;
  transport(name: string): WebrtcTransport;
};

/** `hides`: every device hides its address, so every pipe goes over the server. */
export const createFakeWebrtcWorld = ({ hides = false, hubs = 1 } = {}): FakeWebrtcWorld => {
  const clock = createVirtualClock();
  const random = createSeededRandom(11);
  const hub = createMeshHub(clock);
  const further = Array.from({ length: hubs - 1 }, (_, at) => createMeshHub(clock, at + 2));
  const rtc = createFakeRtc({ clock, random });
  const transports: WebrtcTransport[] = [];
  const all = [hub, ...further];
  const Socket = socketsTo((url) => all[Number(/^ws:\/\/hub(\d)/.exec(url)?.[1] ?? 1) - 1] ?? hub);
  return {
    clock,
    hub,
    rtc,
    ...passVirtualTime(clock),
    stranger: hub.stranger,
    transport: () => {
      const transport = createWebrtcTransport({
        clock,
        random,
        Socket,
        pseudonym: createHubKey(random.bytes(32) as Uint8Array<ArrayBuffer>),
        urls: Array.from({ length: hubs }, (_, at) => `ws://hub${at + 1}/mesh`),
        relayPart: async () => ok({ createRelayPart }),
        host: rtc.host(),
      });
      transport.setPrivacy({ hidesAddress: hides });
      transports.push(transport);
      return transport;
    },
    dispose: async () => {
      for (const transport of transports) transport.stop();
    },
  };
};
