import { createSignalClient } from '../../src/lib/transports/signal-client.ts';
import { createWebrtcTransport, type WebrtcTransport } from '../../src/lib/transports/webrtc.ts';
import { createFakeRtc } from './transport-fake-rtc.ts';
import { createSignalHub, type SignalHub } from './transport-signal-hub.ts';
import {
  createSeededRandom,
  createVirtualClock,
  passVirtualTime,
  type TransportWorld,
  type VirtualClock,
} from './transport-world.ts';

export type FakeWebrtcWorld = Omit<TransportWorld, 'transport'> & {
  readonly clock: VirtualClock;
  readonly hub: SignalHub;
  readonly rtc: ReturnType<typeof createFakeRtc>;
  transport(name: string): WebrtcTransport;
};

export const createFakeWebrtcWorld = (): FakeWebrtcWorld => {
  const clock = createVirtualClock();
  const random = createSeededRandom(11);
  const hub = createSignalHub(clock);
  const rtc = createFakeRtc({ clock, random });
  const transports: WebrtcTransport[] = [];
  return {
    clock,
    hub,
    rtc,
    ...passVirtualTime(clock),
    stranger: hub.stranger,
    transport: () => {
      const signal = createSignalClient({ clock, random, Socket: hub.Socket, url: 'ws://hub/signal' });
      const transport = createWebrtcTransport({ clock, random, signal, host: rtc.host() });
      transports.push(transport);
      return transport;
    },
    dispose: async () => {
      for (const transport of transports) transport.stop();
    },
  };
};
