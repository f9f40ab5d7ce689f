import { networkInterfaces } from 'node:os';
import { limits } from '../src/lib/kernel/wire/signal.ts';
import { systemClock } from './clock.ts';
import type { Cluster } from './cluster/cluster.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import type { Exchange } from './exchange.ts';
import { createLocalExchange } from './mesh/local-exchange.ts';
import { createServer, type Server } from './server.ts';
import { openServerStore, type ServerStore, type StoreFailure } from './store/server-store.ts';
import type { ServerAddress, StartFailure } from './web/web-server.ts';

/** `node signaling/main.ts`: reads the environment, opens the data file, serves, and ends on SIGTERM or SIGINT. */
const main = async (): Promise<void> => {
  const configuration = readConfiguration(process.env);
  if (!configuration.ok) return giveUp(configuration.error);
  const { port, host, appDir, dataDir, tls, turn, proxies, fileBytesMax, redisUrl } = configuration.value;

  const opened = openServerStore(dataDir, { clock: systemClock, fileBytesMax });
  if (!opened.ok) return giveUp(storeSentence(opened.error));
  const store = opened.value;

  const local = createLocalExchange();
  const cluster = redisUrl === null ? null : await loadCluster(redisUrl, local);
  const facts = () => ({ ...store.facts(), ...(cluster && { cluster: cluster.facts() }) });
  const server = createServer({
    ...{ port, host, appDir, clock: systemClock, facts, proxies },
    exchange: cluster?.exchange ?? local,
    roster: store.roster,
    mail: cluster?.mail ?? store.mail,
    ...(tls !== null && { tls }),
    ...(turn !== null && { turn }),
  });
  const started = await server.start();
  if (!started.ok) {
    store.close();
    return giveUp(startSentence(started.error));
  }
  store.countStart();
  cluster?.start();
  endOnSignals(server, cluster, store);
  await printState(server, started.value, store, configuration.value);
};

/** A server alone does without all of this. */
const loadCluster = async (redisUrl: string, local: Exchange): Promise<Cluster> => {
  const { createCluster } = await import('./cluster/cluster.ts');
  return createCluster({ redisUrl, local, clock: systemClock, say: (sentence) => console.error(sentence) });
};

/** One sentence, exit code 1. */
const giveUp = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
};

const storeSentence = (failure: StoreFailure): string =>
  failure.type === 'SchemaNewer'
    ? `The data file ${failure.file} was written by a newer HearthNet (schema ${failure.version}); start that version instead.`
    : `The data folder ${failure.folder} cannot be used (${failure.reason}); set DATA_DIR to a folder that can be written.`;

const startSentence = (failure: StartFailure): string => {
  if (failure.type === 'PortTaken') {
    return `Port ${failure.port} is already taken; end the other program or set PORT to a free one.`;
  }
  if (failure.type === 'PortForbidden') {
    return `Port ${failure.port} may not be opened by this user; set PORT to one above 1023.`;
  }
  return `HOST names an address that this machine does not have: "${failure.host}".`;
};

/** A second signal, or a stop that takes too long, ends the process at once. */
const endOnSignals = (server: Server, cluster: Cluster | null, store: ServerStore): void => {
  let isEnding = false;
  const end = (): void => {
    if (isEnding) process.exit(0);
    isEnding = true;
    systemClock.after(limits.serverStopMs, () => process.exit(0));
    const stop = async (): Promise<void> => {
      await server.stop();
      await cluster?.stop();
      store.close();
      process.exit(0);
    };
    void stop();
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
};

const printState = async (
  server: Server,
  address: ServerAddress,
  store: ServerStore,
  { appDir }: Configuration,
): Promise<void> => {
  const fileCount = await server.appFileCount();
  const app = fileCount === null ? `not built yet (no ${appDir}/200.html)` : `${fileCount} files from ${appDir}`;
  const lines = [
    `HearthNet is on: ${address.url}`,
    `  app         ${app}`,
    `  mesh        ${address.url.replace(/^http/, 'ws')}/mesh`,
    `  signalling  ${address.url.replace(/^http/, 'ws')}/signal (for y-webrtc)`,
    `  data        ${store.file} (start ${store.facts().starts})`,
    `  status      ${address.url}/healthz and ${address.url}/metrics`,
    ...lanLines(address),
  ];
  console.log(lines.join('\n'));
};

const lanLines = ({ url, host, port, isTls }: ServerAddress): readonly string[] => {
  if (host !== '' && host !== '0.0.0.0' && host !== '::') return [];
  const scheme = url.slice(0, url.indexOf(':'));
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((found) => found.family === 'IPv4' && !found.internal)
    .map((found) => `  network     ${scheme}://${found.address}:${port}`);
  const hint = '  A phone needs https: set TLS_CERT and TLS_KEY, or put the app behind a server that has it.';
  return isTls || addresses.length === 0 ? addresses : [...addresses, hint];
};

await main();
