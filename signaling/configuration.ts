import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { err, ok, type Result } from '../src/lib/kernel/wire/signal.ts';

/** What the environment asks for. A failure is the one sentence that a person reads before the process ends. */
export type Configuration = {
  readonly port: number;
  /** '' means every interface. */
  readonly host: string;
  readonly dataDir: string;
  readonly appDir: string;
  readonly tls: TlsFiles | null;
};

/** The contents of the two PEM files. */
export type TlsFiles = { readonly cert: string; readonly key: string };

export type Environment = { readonly [name: string]: string | undefined };

export const readConfiguration = (env: Environment): Result<Configuration, string> => {
  const port = parsePort(env['PORT']);
  if (!port.ok) return port;
  const tls = readTls(env['TLS_CERT'] ?? '', env['TLS_KEY'] ?? '');
  if (!tls.ok) return tls;
  return ok({
    port: port.value,
    host: env['HOST'] ?? '',
    dataDir: env['DATA_DIR'] || '.data',
    appDir: env['APP_DIR'] || 'build',
    tls: tls.value,
  });
};

const parsePort = (text: string | undefined): Result<number, string> => {
  if (text === undefined || text === '') return ok(8787);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? ok(port) : err(`PORT must be a number from 0 to 65535, not "${text}".`);
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
