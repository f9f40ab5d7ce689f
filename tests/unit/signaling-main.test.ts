import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../signaling/clock.ts';
import { openServerStore } from '../../signaling/store/server-store.ts';
import { startServerProcess } from '../support/server-process.ts';
import { createFolder, openClient, writeApp } from './signaling-fixture.ts';

const folders: { remove(): void }[] = [];
const children: (() => void)[] = [];
afterEach(() => {
  for (const kill of children.splice(0)) kill();
  for (const folder of folders.splice(0)) folder.remove();
});

const makeFolder = (): string => {
  const folder = createFolder();
  folders.push(folder);
  return folder.path;
};

const startMain = (env: Record<string, string>) => {
  const main = startServerProcess(env);
  children.push(() => void main.kill());
  return main;
};

const expectOneSentence = async (env: Record<string, string>, sentence: RegExp): Promise<void> => {
  const main = startMain(env);
  expect(await main.ended).toEqual({ code: 1, signal: null });
  expect(main.stderr()).toMatch(sentence);
  expect(main.stderr()).toMatch(/^[^\n]+\.\n$/);
  expect(main.stdout()).toBe('');
};

describe('node signaling/main.ts', () => {
  it('serves the app, its health and signalling, prints where, and ends on SIGTERM with code 0', async () => {
    const dataDir = makeFolder();
    const main = startMain({ DATA_DIR: join(dataDir, 'new', 'folder'), APP_DIR: writeApp(makeFolder()) });
    const url = await main.url;
    expect(await (await fetch(`${url}/ask`)).text()).toContain('shell');
    const anna = await openClient(`${url.replace('http', 'ws')}/signal`);
    expect(await anna.untilPong()).toEqual([]);
    const health = (await (await fetch(`${url}/healthz`)).json()) as Record<string, unknown>;
    expect(health).toMatchObject({ ok: true, connections: 1, starts: 1 });
    expect(Math.abs(Number(health['created']) - Date.now())).toBeLessThan(60_000);
    expect(main.stdout()).toContain(`${url.replace('http', 'ws')}/signal`);
    main.signal('SIGTERM');
    expect(await main.ended).toEqual({ code: 0, signal: null });
    expect((await anna.closed).code).toBe(1001);
    expect(main.stderr()).toBe('');
  });

  it('counts its starts in the data file and ends on SIGINT too', async () => {
    const dataDir = makeFolder();
    for (const starts of [1, 2]) {
      const main = startMain({ DATA_DIR: dataDir, APP_DIR: writeApp(makeFolder()), HOST: '127.0.0.1' });
      expect(await (await fetch(`${await main.url}/healthz`)).json()).toMatchObject({ starts });
      main.signal('SIGINT');
      expect((await main.ended).code).toBe(0);
      expect(main.stdout()).not.toContain('network');
    }
  });

  it('remembers its data after it was killed', async () => {
    const dataDir = makeFolder();
    const first = startMain({ DATA_DIR: dataDir });
    const before = (await (await fetch(`${await first.url}/healthz`)).json()) as { created: number };
    await first.kill();
    const second = startMain({ DATA_DIR: dataDir });
    expect(await (await fetch(`${await second.url}/healthz`)).json()).toMatchObject({
      created: before.created,
      starts: 2,
    });
  });

  it('says in one sentence that the port is taken, and counts no start', async () => {
    const other = net.createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, () => {
        const bound = other.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
      });
    });
    const dataDir = makeFolder();
    await expectOneSentence({ PORT: String(port), DATA_DIR: dataDir }, new RegExp(`^Port ${port} is already taken;`));
    other.close();
    const main = startMain({ DATA_DIR: dataDir });
    expect(await (await fetch(`${await main.url}/healthz`)).json()).toMatchObject({ starts: 1 });
  });

  it('says in one sentence what is wrong with PORT, HOST and DATA_DIR', async () => {
    const folder = makeFolder();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expectOneSentence({ PORT: 'eighty', DATA_DIR: folder }, /^PORT must be a number/);
    await expectOneSentence({ PORT: '65536', DATA_DIR: folder }, /^PORT must be a number/);
    await expectOneSentence({ HOST: '192.0.2.1', DATA_DIR: folder }, /^HOST names an address/);
    await expectOneSentence({ DATA_DIR: join(file, 'inside') }, /^The data folder .* cannot be used \(ENOTDIR\)/);
    writeFileSync(
      join(folder, 'hearthnet.sqlite'),
      'this is no database, but long enough to look like a page. '.repeat(40),
    );
    await expectOneSentence({ DATA_DIR: folder }, /^The data folder .* cannot be used \(file is not a database\)/);
  });

  it('does not touch a data file of a newer version', async () => {
    const dataDir = makeFolder();
    const file = join(dataDir, 'hearthnet.sqlite');
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 3');
    newer.close();
    const before = readFileSync(file);
    expect(openServerStore(dataDir, { clock: systemClock, fileBytesMax: null })).toEqual({
      ok: false,
      error: { type: 'SchemaNewer', file, version: 3 },
    });
    await expectOneSentence({ DATA_DIR: dataDir }, /was written by a newer HearthNet \(schema 3\)/);
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    console.warn(`SKIPPED: the TLS tests need openssl, which this machine does not have (${String(error)}).`);
    return false;
  }
})();

const makeCertificate = (folder: string): { cert: string; key: string } => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  return { cert, key };
};

const getWith = (url: string, ca: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = https.get(url, { ca, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => void (body += String(chunk)));
      response.on('end', () => resolve(body));
    });
    request.on('error', reject);
  });

describe.skipIf(!hasOpenssl)('TLS_CERT and TLS_KEY', () => {
  it('make the same process serve https and wss', async () => {
    const folder = makeFolder();
    const { cert, key } = makeCertificate(folder);
    const app = writeApp(makeFolder());
    const main = startMain({ DATA_DIR: folder, APP_DIR: app, TLS_CERT: cert, TLS_KEY: key });
    const url = await main.url;
    expect(url).toMatch(/^https:\/\/localhost:\d+$/);
    const ca = readFileSync(cert);
    expect(await getWith(`${url}/ask`, ca)).toContain('shell');
    const pong = await new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace('https', 'wss')}/signal`, { ca });
      socket.on('open', () => socket.send('{"type":"ping"}'));
      socket.on('message', (data) => {
        resolve(String(data));
        socket.close();
      });
      socket.on('error', reject);
    });
    expect(pong).toBe('{"type":"pong"}');
    main.signal('SIGTERM');
    expect((await main.ended).code).toBe(0);
  });

  it('are refused in one sentence when one is missing, unreadable, or not a pair', async () => {
    const folder = makeFolder();
    const { cert, key } = makeCertificate(folder);
    mkdirSync(join(folder, 'other'));
    const other = makeCertificate(join(folder, 'other'));
    const env = { DATA_DIR: folder };
    await expectOneSentence({ ...env, TLS_CERT: cert }, /^TLS_CERT needs TLS_KEY/);
    await expectOneSentence({ ...env, TLS_KEY: key }, /^TLS_KEY needs TLS_CERT/);
    await expectOneSentence(
      { ...env, TLS_CERT: join(folder, 'gone'), TLS_KEY: key },
      /TLS_CERT cannot be read.*ENOENT/,
    );
    await expectOneSentence({ ...env, TLS_CERT: cert, TLS_KEY: folder }, /TLS_KEY cannot be read.*EISDIR/);
    await expectOneSentence({ ...env, TLS_CERT: cert, TLS_KEY: other.key }, /are not a PEM certificate/);
    await expectOneSentence({ ...env, TLS_CERT: key, TLS_KEY: cert }, /are not a PEM certificate/);
  });
});
