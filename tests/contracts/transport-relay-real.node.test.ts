import { ok } from '../../src/lib/kernel/result.ts';
import { createRelayPart } from '../../src/lib/transports/relay-part.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { createWebrtcTransport, type WebrtcTransport } from '../../src/lib/transports/webrtc.ts';
import { startServerProcess } from '../support/server-process.ts';
import { createFolder, writeApp } from '../unit/signaling-fixture.ts';
import { runTransportContract } from './transport-contract.ts';
import { createFakeRtc } from './transport-fake-rtc.ts';
import { systemClock, systemRandom, type TransportWorld } from './transport-world.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const waitFor = async (what: string, check: () => boolean): Promise<void> => {
  for (const endsAt = Date.now() + 20_000; !check(); await pause(10)) {
    if (Date.now() > endsAt) throw new Error(`never came true: ${what}`);
  }
};

/** The process that is shipped, on a free port with a folder of its own; every device hides its address. */
const createWorld = async (): Promise<TransportWorld> => {
  const folder = createFolder();
  const server = startServerProcess({ DATA_DIR: `${folder.path}/data`, APP_DIR: writeApp(`${folder.path}/app`) });
  const url = `${(await server.url).replace('http', 'ws')}/mesh`;
  const { signerFrom } = createWebCrypto();
  const transports: WebrtcTransport[] = [];
  return {
    transport: () => {
      const key = signerFrom(systemRandom.bytes(32));
      const transport = createWebrtcTransport({
        clock: systemClock,
        random: systemRandom,
        Socket: WebSocket,
        pseudonym: () => key,
        urls: [url],
        relayPart: async () => ok({ createRelayPart }),
        host: createFakeRtc({ clock: systemClock, random: systemRandom }).host(),
      });
      transport.setPrivacy({ hidesAddress: true });
      transports.push(transport);
      return transport;
    },
    until: waitFor,
    settle: () => pause(1_500),
    stranger: null,
    dispose: async () => {
      for (const transport of transports) transport.stop();
      server.signal('SIGTERM');
      await server.ended;
      folder.remove();
    },
  };
};

runTransportContract({ name: 'relayed pipes over the real server', createWorld, hasServer: false });
