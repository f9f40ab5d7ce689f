import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTrustworthyRequest } from '../../signaling/web/security-headers.ts';
import { createStaticBodies } from '../../signaling/web/static-bodies.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import {
  createFolder,
  createHandClock,
  rawExchange,
  rawGet,
  startTestServer,
  writeApp,
  type TestServer,
} from './signaling-fixture.ts';

let served: TestServer;
beforeAll(async () => {
  served = await startTestServer();
});
afterAll(() => served.stop());

/** The bytes as they travel; fetch would unfold them. */
const rawBody = async (target: string, encoding: string): Promise<{ head: string; body: Buffer }> => {
  const request = `GET ${target} HTTP/1.1\r\nhost: x\r\naccept-encoding: ${encoding}\r\nconnection: close\r\n\r\n`;
  const answer = await rawExchange(served.port, request);
  const end = answer.indexOf('\r\n\r\n');
  return { head: answer.slice(0, end), body: Buffer.from(answer.slice(end + 4), 'latin1') };
};

describe('the files of the app', () => {
  it.each([
    ['/200.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/service-worker.js', 'text/javascript; charset=utf-8', 'no-cache'],
    ['/manifest.webmanifest', 'application/manifest+json; charset=utf-8', 'no-cache'],
    ['/icons/flame.svg', 'image/svg+xml', 'no-cache'],
    ['/library/en/water.md', 'text/markdown; charset=utf-8', 'no-cache'],
    ['/_app/immutable/entry/start.abc123.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
  ])('%s comes as %s with cache rule %s', async (path, mediaType, cacheRule) => {
    const answer = await fetch(served.url + path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(mediaType);
    expect(answer.headers.get('cache-control')).toBe(cacheRule);
    await answer.arrayBuffer();
  });

  it.each(['/', '/ask', '/chat/abc', '/ask?question=water', '/market/'])('the shell opens at %s', async (path) => {
    const answer = await fetch(served.url + path, { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-cache']);
    expect(await answer.text()).toContain('<title>shell</title>');
  });

  it.each([
    '/_app/immutable/entry/gone.js',
    '/icons/gone.png',
    '/favicon.ico',
    '/_app/gone',
    '/.hidden',
    '/.git/config',
  ])('%s is missing with 404 and not the shell', async (path) => {
    const answer = await fetch(served.url + path);
    expect(answer.status).toBe(404);
    expect(await answer.text()).not.toContain('shell');
  });

  it('a picture that a page asks for is no navigation', async () => {
    expect((await fetch(`${served.url}/faces/anna`, { headers: { accept: 'image/png' } })).status).toBe(404);
  });

  it('an unchanged file is answered with 304 and without a body', async () => {
    const first = await fetch(`${served.url}/200.html`);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+"$/);
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const second = await fetch(`${served.url}/200.html`, { headers: { 'if-none-match': tag } });
      expect([second.status, await second.text(), second.headers.get('etag')]).toEqual([304, '', etag]);
      expect(second.headers.get('cache-control')).toBe('no-cache');
    }
    expect((await fetch(`${served.url}/200.html`, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it('HEAD gives the headers of GET and no body', async () => {
    const answer = await rawExchange(served.port, 'HEAD /ask HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/content-length: [1-9]\d+\r\n/);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is refused with 405', async (method) => {
    const answer = await fetch(`${served.url}/`, { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('the opener policy is said only where a browser heeds it: over TLS and on this machine', () => {
    for (const host of ['localhost', 'localhost:8787', '127.0.0.1:8787', '127.8.9.1', '[::1]:8787'])
      expect(isTrustworthyRequest(false, host)).toBe(true);
    for (const host of ['192.168.0.7:8787', 'hearth.test', 'localhost.evil.test', undefined])
      expect(isTrustworthyRequest(false, host)).toBe(false);
    expect(isTrustworthyRequest(true, 'hearth.test')).toBe(true);
  });

  it('every answer carries the security headers', async () => {
    for (const path of ['/', '/gone.js', '/healthz', '/metrics', '/%zz']) {
      const { headers } = await fetch(served.url + path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toBe("frame-ancestors 'none'");
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('permissions-policy')).toContain('camera=(self), serial=(self), ');
      expect(headers.get('permissions-policy')).toMatch(/microphone=\(\)/);
      expect(headers.get('permissions-policy')).not.toContain('bluetooth');
    }
  });
});

describe('compression', () => {
  it('text goes out in the best encoding that was offered, each with its own ETag', async () => {
    const path = '/_app/immutable/entry/start.abc123.js';
    const [plain, gzip, brotli] = [
      await rawBody(path, ''),
      await rawBody(path, 'gzip'),
      await rawBody(path, 'gzip, br'),
    ];
    expect(plain.head).not.toContain('content-encoding');
    expect(gzip.head).toContain('content-encoding: gzip');
    expect(brotli.head).toContain('content-encoding: br');
    expect(gunzipSync(gzip.body)).toEqual(plain.body);
    expect(brotliDecompressSync(brotli.body)).toEqual(plain.body);
    const tags = [plain, gzip, brotli].map(({ head }) => /etag: (.*)\r/.exec(head)?.[1]);
    expect(new Set(tags).size).toBe(3);
    for (const { head } of [plain, gzip, brotli]) expect(head).toContain('vary: accept-encoding');
  });

  it('an encoding refused with q=0 is not used, and small files stay as they are', async () => {
    expect((await rawBody('/200.html', 'br;q=0, gzip;q=0.5')).head).toContain('content-encoding: gzip');
    expect((await rawBody('/200.html', 'br;q=0.0, gzip; q=0')).head).not.toContain('content-encoding');
    expect((await rawBody('/service-worker.js', 'gzip, br')).head).not.toContain('content-encoding');
  });

  it('keeps no more in memory than its bound', async () => {
    const folder = createFolder();
    const bodies = createStaticBodies();
    const sizeBytes = limits.staticBufferedFileBytesMax;
    for (let index = 0; index < limits.staticCacheBytesMax / sizeBytes + 3; index++) {
      const file = join(folder.path, `${index}.bin`);
      writeFileSync(file, Buffer.alloc(sizeBytes, index));
      const described = { file, urlPath: `/${index}.bin`, sizeBytes, modifiedMs: 0, mediaType: 'x/y', isText: false };
      const [one, same] = await Promise.all([bodies.get(described, 'identity'), bodies.get(described, 'identity')]);
      expect(one).toBe(same);
    }
    expect(bodies.keptBytes()).toBe(limits.staticCacheBytesMax);
    bodies.clear();
    expect(bodies.keptBytes()).toBe(0);
    folder.remove();
  });
});

describe('the build folder', () => {
  it('missing is answered with 503 and one sentence, and noticed when it comes', async () => {
    const folder = createFolder();
    const clock = createHandClock();
    const appDir = join(folder.path, 'build');
    const empty = await startTestServer({ appDir, clock });
    const before = await fetch(`${empty.url}/`);
    expect([before.status, await before.text()]).toEqual([
      503,
      expect.stringMatching(/^The app has not been built yet.*\.$/),
    ]);
    expect((await fetch(`${empty.url}/healthz`)).status).toBe(200);
    expect(await empty.server.appFileCount()).toBe(null);
    writeApp(appDir);
    clock.advance(limits.staticRecheckMs);
    expect((await fetch(`${empty.url}/ask`)).status).toBe(200);
    await empty.stop();
    folder.remove();
  });

  it('built again while the server runs gives the new files', async () => {
    const folder = createFolder();
    const clock = createHandClock();
    const appDir = writeApp(join(folder.path, 'build'));
    const one = await startTestServer({ appDir, clock });
    const before = await fetch(`${one.url}/`);
    await before.text();
    writeFileSync(join(appDir, '200.html'), '<title>newer</title>');
    utimesSync(join(appDir, '200.html'), 1, 1);
    clock.advance(limits.staticRecheckMs);
    const after = await fetch(`${one.url}/`);
    expect(await after.text()).toBe('<title>newer</title>');
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
    await one.stop();
    folder.remove();
  });

  it('streams a file too big to keep, with ETag and HEAD, and answers 500 for one that vanished', async () => {
    const folder = createFolder();
    const appDir = writeApp(join(folder.path, 'build'));
    const bytes = Buffer.alloc(limits.staticBufferedFileBytesMax + 1, 7);
    writeFileSync(join(appDir, 'map.bin'), bytes);
    const one = await startTestServer({ appDir });
    const answer = await fetch(`${one.url}/map.bin`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    const headers = { 'if-none-match': answer.headers.get('etag') ?? '' };
    expect((await fetch(`${one.url}/map.bin`, { headers })).status).toBe(304);
    const head = await fetch(`${one.url}/map.bin`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
    rmSync(join(appDir, 'service-worker.js'));
    expect((await fetch(`${one.url}/service-worker.js`)).status).toBe(500);
    expect((await fetch(`${one.url}/`)).status).toBe(200);
    await one.stop();
    folder.remove();
  });

  it('gives out no links that lead out of it', async () => {
    const folder = createFolder();
    const appDir = writeApp(join(folder.path, 'build'));
    writeFileSync(join(folder.path, 'secret.txt'), 'secret');
    mkdirSync(join(folder.path, 'private'));
    writeFileSync(join(folder.path, 'private', 'key.txt'), 'secret');
    symlinkSync(join(folder.path, 'secret.txt'), join(appDir, 'link.txt'));
    symlinkSync(join(folder.path, 'private'), join(appDir, 'linked'));
    const one = await startTestServer({ appDir });
    for (const path of ['/link.txt', '/linked/key.txt']) expect((await rawGet(one.port, path)).status).toBe(404);
    await one.stop();
    folder.remove();
  });
});
