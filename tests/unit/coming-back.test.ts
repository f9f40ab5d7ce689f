import { rmSync } from 'node:fs';
import { afterEach, describe, it } from 'vitest';
import { communitySetServers } from '../../src/lib/contracts/community.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { monthLane } from '../../src/lib/log/event.ts';
import { createRelayPart } from '../../src/lib/transports/relay-part.ts';
import { createWebrtcTransport } from '../../src/lib/transports/webrtc.ts';
import { createFakeRtc } from '../contracts/transport-fake-rtc.ts';
import { systemClock, systemRandom } from '../contracts/transport-world.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { call, found, hears, letIn, newNetwork, say, startDevice, type TestDevice } from './devices-fixture.ts';
import { createFolder, writeApp } from './signaling-fixture.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The server as it is shipped, in a process of its own, that can be killed and started again on its port and its folder. */
const openServer = async () => {
  const folder = createFolder();
  const [data, app] = [`${folder.path}/data`, writeApp(`${folder.path}/app`)];
  let process: ServerProcess = startServerProcess({ DATA_DIR: data, APP_DIR: app });
  const url = await process.url;
  ends.push(async () => {
    await process.kill();
    folder.remove();
  });
  return {
    url: `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/mesh`,
    kill: () => process.kill('SIGKILL'),
    loseDatabase: () => rmSync(data, { recursive: true, force: true }),
    start: async () => {
      process = startServerProcess({ DATA_DIR: data, APP_DIR: app, PORT: new URL(url).port });
      await process.url;
    },
  };
};
type Server = Awaited<ReturnType<typeof openServer>>;

const { signerFrom } = createWebCrypto();

/** A device that reaches others by the server only, as behind the worst of routers. `server`: the one its app came with. */
const openDevice = (name: string, server: Server): Promise<TestDevice> =>
  startDevice(name, newNetwork(), {
    place: () => {
      const key = signerFrom(systemRandom.bytes(32));
      const transport = createWebrtcTransport({
        clock: systemClock,
        random: systemRandom,
        Socket: WebSocket,
        pseudonym: () => key,
        urls: [server.url],
        relayPart: async () => ok({ createRelayPart }),
        host: createFakeRtc({ clock: systemClock, random: systemRandom }).host(),
      });
      const hide = () => transport.setPrivacy({ hidesAddress: true });
      return { transport: { ...transport, setPrivacy: hide }, defaultSignalUrl: server.url };
    },
  });

const annaAndBora = async () => {
  const server = await openServer();
  const [anna, bora] = [await openDevice('anna', server), await openDevice('bora', server)];
  await found(anna, 'Anna');
  await letIn(anna, bora, 'Bora');
  return { server, anna, bora };
};

const isKept = (device: TestDevice, seq: number) =>
  new Promise<void>((resolve) => {
    const { mail } = device.node();
    const lane = monthLane(hlcMonth(hlcFromMs(Date.now())));
    const look = () => mail.isKept(lane, seq) && resolve();
    mail.onChange(look);
    look();
  });

describe('coming back over the real server', () => {
  it('anna writes while bora is away and closes; the server is killed and started again; bora opens and has it', async () => {
    const { server, anna, bora } = await annaAndBora();
    await bora.stop();
    await say(anna, 'kept through the crash');
    await isKept(anna, 0);
    await anna.stop();
    await server.kill();
    await server.start();
    await bora.start();
    await hears(bora, 'kept through the crash');
  });

  it('after the server has lost its database both meet again without an invite', async () => {
    const { server, anna, bora } = await annaAndBora();
    await anna.stop();
    await bora.stop();
    await server.kill();
    server.loseDatabase();
    await server.start();
    await anna.start();
    await bora.start();
    await say(bora, 'still here');
    await hears(anna, 'still here');
  });

  it('bora, who was away while the server moved, finds it at the address that anna has named', async () => {
    const { server, anna, bora } = await annaAndBora();
    const moved = await openServer();
    await bora.stop();
    await call(anna, communitySetServers, { urls: [moved.url] });
    await say(anna, 'we move tomorrow');
    await isKept(anna, 0);
    // The last time that bora sees the old server.
    await bora.start();
    await hears(bora, 'we move tomorrow');
    await bora.stop();
    await anna.stop();
    await server.kill();
    await anna.start();
    await bora.start();
    await say(bora, 'found you');
    await hears(anna, 'found you');
  });
});
