import net from 'node:net';
import { WebSocket } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../signaling/clock.ts';
import { createServer } from '../../signaling/server.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createHandClock, openClient, rawExchange, startTestServer, type TestServer } from './signaling-fixture.ts';

const running: TestServer[] = [];
const start = async (options?: Parameters<typeof startTestServer>[0]): Promise<TestServer> => {
  const started = await startTestServer(options);
  running.push(started);
  return started;
};
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

/** The HTTP status with which the server turns a WebSocket away. */
const refusedStatus = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.on('open', () => reject(new Error('it was let in')));
    socket.on('error', () => socket.terminate());
  });

describe('signalling over real sockets', () => {
  it('carries a publish from anna to bora and to herself', async () => {
    const { signalUrl } = await start();
    const [anna, bora] = [await openClient(signalUrl), await openClient(signalUrl)];
    anna.send({ type: 'subscribe', topics: ['room'] });
    bora.send({ type: 'subscribe', topics: ['room'] });
    await anna.untilPong();
    await bora.untilPong();
    bora.send('{"type":"publish","topic":"room","data":{"type":"announce","from":"bora"}}');
    const frame = { type: 'publish', topic: 'room', data: { type: 'announce', from: 'bora' }, clients: 2 };
    expect(await anna.next()).toEqual(frame);
    expect(await bora.next()).toEqual(frame);
  });

  it('answers a malformed frame with a typed refusal and keeps the connection', async () => {
    const { signalUrl } = await start();
    const anna = await openClient(signalUrl);
    anna.send('{"type":"publish"');
    expect(await anna.next()).toEqual({ type: 'refused', code: 'bad_request', reason: 'not-json' });
    anna.send(' '.repeat(limits.signalFrameBytesMax + 1));
    expect(await anna.next()).toEqual({ type: 'refused', code: 'too_large', reason: 'frame-too-large' });
    anna.send({ type: 'fly' });
    expect(await anna.next()).toEqual({ type: 'refused', code: 'not_implemented', reason: 'unknown-verb' });
    expect(await anna.untilPong()).toEqual([]);
  });

  it('closes a socket whose frame passes the hard bound with 1009 and goes on serving others', async () => {
    const { signalUrl, server } = await start();
    const [anna, bora] = [await openClient(signalUrl), await openClient(signalUrl)];
    anna.send('x'.repeat(limits.signalFrameHardBytesMax + 1));
    expect((await anna.closed).code).toBe(1009);
    expect(await bora.untilPong()).toEqual([]);
    expect(server.stats().connections).toBe(1);
  });

  it('turns sockets away from other paths, and the one too many of an address, and takes the place back later', async () => {
    const { signalUrl, url, server } = await start();
    expect(await refusedStatus(`${url.replace('http', 'ws')}/elsewhere`)).toBe(404);
    const clients = [];
    for (let count = 0; count < limits.signalConnectionsPerAddressMax; count++)
      clients.push(await openClient(signalUrl));
    expect(await refusedStatus(signalUrl)).toBe(429);
    expect(server.stats().connections).toBe(limits.signalConnectionsPerAddressMax);
    await clients[0]?.close();
    const late = await openClient(signalUrl);
    expect(await late.untilPong()).toEqual([]);
  });

  it('gives the place of an address back when the handshake itself is malformed', async () => {
    const { signalUrl, port } = await start();
    const handshake = 'GET /signal HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    for (let count = 0; count <= limits.signalConnectionsPerAddressMax; count++) {
      expect(await rawExchange(port, handshake)).toContain('400');
    }
    expect(await (await openClient(signalUrl)).untilPong()).toEqual([]);
  });

  it('cuts a connection that answers no ping, by the clock it was given', async () => {
    const clock = createHandClock();
    const { signalUrl, server } = await start({ clock });
    const anna = await openClient(signalUrl);
    const silent = await openClient(signalUrl, { autoPong: false });
    const pinged = new Promise((resolve) => anna.socket.once('ping', resolve));
    clock.advance(limits.signalPingMs);
    await pinged;
    await anna.untilPong();
    clock.advance(limits.signalPingMs);
    expect((await silent.closed).code).toBe(1006);
    expect(await anna.untilPong()).toEqual([]);
    expect(server.stats().connections).toBe(1);
  });

  it('says goodbye with 1001 when it stops, and can be stopped and started again', async () => {
    const { signalUrl, server } = await start();
    const anna = await openClient(signalUrl);
    await Promise.all([server.stop(), server.stop()]);
    expect((await anna.closed).code).toBe(1001);
    expect(server.address()).toBe(null);
    const again = unwrap(await server.start());
    expect(unwrap(await server.start())).toEqual(again);
    const bora = await openClient(`${again.url.replace('http', 'ws')}/signal`);
    expect(await bora.untilPong()).toEqual([]);
  });

  it('stops although somebody holds a half-sent request and a socket that never closes', async () => {
    const { port, server, signalUrl } = await start();
    const half = net.connect({ port, host: '127.0.0.1' }, () => half.write('GET / HTTP/1.1\r\n'));
    half.on('error', () => half.destroy());
    const deaf = await openClient(signalUrl);
    deaf.socket.pause();
    await server.stop();
    await expect.poll(() => server.stats().connections).toBe(0);
  });

  it('says that the port is taken as a value', async () => {
    const { port, appDir } = await start();
    const second = createServer({ port, host: '127.0.0.1', appDir, clock: systemClock });
    expect(await second.start()).toEqual({ ok: false, error: { type: 'PortTaken', port } });
    const nowhere = createServer({ port: 0, host: '192.0.2.1', appDir, clock: systemClock });
    expect(await nowhere.start()).toEqual({ ok: false, error: { type: 'HostUnknown', host: '192.0.2.1' } });
  });
});

describe('status pages', () => {
  it('show health as JSON and counters as Prometheus text', async () => {
    const { url, signalUrl } = await start();
    const anna = await openClient(signalUrl);
    anna.send({ type: 'subscribe', topics: ['a secret room'] });
    anna.send('nonsense');
    await anna.untilPong();
    const health = await fetch(`${url}/healthz`);
    expect(health.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await health.json()).toMatchObject({
      ok: true,
      connections: 1,
      topics: 1,
      uptimeSeconds: expect.any(Number),
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('\nhearthnet_connections 1\n');
    expect(metrics).toContain('\nhearthnet_messages_in_total 3\n');
    expect(metrics).toContain('\nhearthnet_messages_out_total 2\n');
    expect(metrics).toContain('hearthnet_refused_total{code="bad_request",reason="not-json"} 1');
    expect(metrics).not.toContain('secret');
    for (const line of metrics.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]+(\{[^}]*\})? \d+)$/);
  });
});
