import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { err, limits, ok, type Result } from '../src/lib/kernel/wire/signal.ts';
import { parseProxyList, type ProxyList } from './client-facts.ts';
import type { TurnServer } from './mesh/turn.ts';

/** What the environment asks for. A failure is the one sentence that a person reads before the process ends. */
export type Configuration = {
  readonly port: number;
  /** '' means every interface. */
  readonly host: string;
  readonly dataDir: string;
  readonly appDir: string;
  readonly tls: TlsFiles | null;
  /** Whose `X-Forwarded-For` counts. */
  readonly proxies: ProxyList;
  readonly turn: TurnServer | null;
  /** The data file takes no more than this; null leaves it to the disk and the kernel's bound on mail. */
  readonly fileBytesMax: number | null;
  /** Other servers of the same kind are met there; null runs alone. */
  readonly redisUrl: string | null;
};

/** The contents of the two PEM files. */
export type TlsFiles = { readonly cert: string; readonly key: string };

export type Environment = { readonly [name: string]: string | undefined };

export const readConfiguration = (env: Environment): Result<Configuration, string> => {
  const port = parsePort(env['PORT']);
  if (!port.ok) return port;
  const tls = readTls(env['TLS_CERT'] ?? '', env['TLS_KEY'] ?? '');
  if (!tls.ok) return tls;
  const proxies = parseProxyList(env['TRUST_PROXY'] ?? '');
  if (!proxies.ok) return err(`TRUST_PROXY must list addresses or networks, and "${proxies.error}" is neither.`);
  const turn = readTurn(env['TURN_URLS'] ?? '', env['TURN_SECRET'] ?? '');
  if (!turn.ok) return turn;
  const fileBytesMax = parseMegabytes(env['DATA_MAX_MB'] ?? '');
  if (!fileBytesMax.ok) return fileBytesMax;
  const redisUrl = parseRedisUrl(env['REDIS_URL'] ?? '');
  if (!redisUrl.ok) return redisUrl;
  return ok({
    port: port.value,
    host: env['HOST'] ?? '',
    dataDir: env['DATA_DIR'] || '.data',
    appDir: env['APP_DIR'] || 'build',
    tls: tls.value,
    proxies: proxies.value,
    turn: turn.value,
    fileBytesMax: fileBytesMax.value,
    redisUrl: redisUrl.value,
  });
};

const parsePort = (text: string | undefined): Result<number, string> => {
  if (text === undefined || text === '') return ok(8787);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? ok(port) : err(`PORT must be a number from 0 to 65535, not "${text}".`);
};

/** It may hold a password, so the sentence does not repeat it. */
const parseRedisUrl = (text: string): Result<string | null, string> => {
  if (text === '') return ok(null);
  const url = URL.parse(text);
  const isRedis = url !== null && (url.protocol === 'redis:' || url.protocol === 'rediss:') && url.hostname !== '';
  return isRedis ? ok(text) : err('REDIS_URL must be the address of a Redis, as in redis://localhost:6379.');
};

const parseMegabytes = (text: string): Result<number | null, string> => {
  if (text === '') return ok(null);
  return /^[1-9]\d{0,6}$/.test(text)
    ? ok(Number(text) * 1024 * 1024)
    : err(`DATA_MAX_MB must be a number of megabytes from 1 to 9999999, not "${text}".`);
};

const readTurn = (urls: string, secret: string): Result<TurnServer | null, string> => {
  if (urls === '' && secret === '') return ok(null);
  if (urls === '') return err('TURN_SECRET needs TURN_URLS beside it: no TURN server is named.');
  if (secret === '') return err('TURN_URLS needs TURN_SECRET beside it: the static-auth-secret of the TURN server.');
  const list = urls.split(',').map((url) => url.trim());
  const wrong = list.find((url) => !/^turns?:[^\s/]+$/.test(url) || url.length > limits.meshIceTextCharsMax);
  if (wrong !== undefined) return err(`TURN_URLS must list turn: or turns: addresses, and "${wrong}" is none.`);
  if (list.length > limits.meshIceUrlsMax) return err(`TURN_URLS may list ${limits.meshIceUrlsMax} addresses at most.`);
  return ok({ urls: list, secret });
};

const readTls = (certFile: string, keyFile: string): Result<TlsFiles | null, string> => {
  if (certFile === '' && keyFile === '') return ok(null);
  if (keyFile === '') return err('TLS_CERT needs TLS_KEY beside it: the file with the private key is not named.');
  if (certFile === '') return err('TLS_KEY needs TLS_CERT beside it: the file with the certificate is not named.');
  const cert = readPem('TLS_CERT', certFile);
  if (!cert.ok) return cert;
  const key = readPem('TLS_KEY', keyFile);
  if (!key.ok) return key;
  return checkPair({ cert: cert.value, key: key.value });
};

const readPem = (name: string, file: string): Result<string, string> => {
  try {
    return ok(readFileSync(file, 'utf8'));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return err(`The file named by ${name} cannot be read: ${file} (${String(error.code)}).`);
  }
};

const checkPair = (tls: TlsFiles): Result<TlsFiles, string> => {
  try {
    createSecureContext(tls);
    return ok(tls);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return err(
      'The files named by TLS_CERT and TLS_KEY are not a PEM certificate and the private key that belongs to it.',
    );
  }
};
