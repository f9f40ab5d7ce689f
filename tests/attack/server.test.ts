import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseProxyList } from '../../signaling/client-facts.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { dialMesh, joinMesh, joinRequest, makeKey, openRequest, someBytes, textBytes } from '../unit/mesh-fixture.ts';
import {
  createHandClock,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../unit/signaling-fixture.ts';
import { fullBytes, metricOf, openMeshStreet } from './server-fixture.ts';

const running: TestServer[] = [];
const start = async (options?: TestServerOptions): Promise<TestServer> => {
  const started = await startTestServer(options);
  running.push(started);
  return started;
};
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

describe('frames that are none', () => {
  it('from somebody who does not stop end with 1008, text and giant frames with their own code', async () => {
    const { meshUrl } = await start();
    const street = await openMeshStreet(meshUrl);
    const flooder = await joinMesh(meshUrl);
    for (let index = 0; index < 1_000; index++) flooder.send(Buffer.from('nonsense'));
    expect((await flooder.closed).code).toBe(1008);
    const giant = await joinMesh(meshUrl);
    giant.send(Buffer.alloc(limits.meshRequestBytesMax + 1));
    expect((await giant.closed).code).toBe(1009);
    await street.expectServed();
  });
});

describe('somebody else’s proof', () => {
  it('a join that was recorded on another connection is refused and ends the socket', async () => {
    const { meshUrl } = await start();
    const key = makeKey();
    const victim = await dialMesh(meshUrl);
    const recorded = joinRequest(victim, key);
    victim.send(recorded);
    await victim.expect('joined');
    const mallory = await dialMesh(meshUrl);
    mallory.send(recorded);
    expect(await mallory.expect('refused')).toMatchObject({ code: 'unauthorized', reason: 'join-signature' });
    expect((await mallory.closed).code).toBe(1008);
    victim.send({ type: 'meet', tag: someBytes(32) });
    expect((await victim.expect('met')).near).toEqual([]);
  });

  it('a challenge that another server passed on is of no use: the host that was dialled is signed', async () => {
    const { meshUrl } = await start();
    const mallory = await dialMesh(meshUrl);
    mallory.send(joinRequest(mallory, makeKey(), 'lying.example'));
    expect(await mallory.expect('refused')).toMatchObject({ reason: 'join-signature' });
  });

  it('a foreign box stays shut, also while its owner has it open elsewhere', async () => {
    const { meshUrl } = await start();
    const box = makeKey();
    const bora = await joinMesh(meshUrl, { boxes: [box] });
    bora.send({ type: 'put', request: 1, box: box.id, keepSeconds: 60, item: textBytes('for bora') });
    await bora.expect('kept');
    const mallory = await joinMesh(meshUrl);
    mallory.send({ type: 'take', request: 1, box: box.id, cursor: '', most: 1 });
    expect(await mallory.expect('refused')).toMatchObject({ request: 1, reason: 'box-not-opened' });
    mallory.send({ type: 'put', request: 2, box: box.id, keepSeconds: 60, item: textBytes('rubbish') });
    expect(await mallory.expect('refused')).toMatchObject({ request: 2, reason: 'box-not-opened' });
    // What bora signed for her own connection, and what mallory signs with a key of his own.
    mallory.send(openRequest(bora, box));
    expect(await mallory.expect('refused')).toMatchObject({ reason: 'box-signature' });
    mallory.send({ type: 'open', box: box.id, signature: makeKey().sign(textBytes('let me in')) });
    expect(await mallory.expect('refused')).toMatchObject({ reason: 'box-signature' });
    mallory.send({ type: 'take', request: 3, box: box.id, cursor: '', most: 1 });
    expect(await mallory.expect('refused')).toMatchObject({ reason: 'box-not-opened' });
  });
});

describe('too much of everything', () => {
  it('words for somebody who does not read come back as busy, and none is lost in silence', async () => {
    const { meshUrl } = await start();
    const tag = someBytes(32);
    const deaf = await joinMesh(meshUrl, { tags: [tag] });
    deaf.socket.pause();
    let [sent, busy] = [0, 0];
    // Honest budgets of several senders, as much as the machine's own socket buffers may hold and more.
    for (let sender = 0; sender < 8 && busy === 0; sender++) {
      const anna = await joinMesh(meshUrl, { tags: [tag] });
      const perSender = Math.floor(limits.meshByteBurst / (fullBytes.length + 200));
      for (let index = 0; index < perSender; index++) {
        anna.send({ type: 'send', to: deaf.id, tag, bytes: fullBytes });
        sent += 1;
      }
      anna.send({ type: 'meet', tag });
      for (let answer = await anna.next(); answer.type !== 'met'; answer = await anna.next()) {
        expect(answer.type).toBe('busy');
        busy += 1;
      }
    }
    expect(busy).toBeGreaterThan(0);
    deaf.socket.resume();
    for (let heard = 0; heard < sent - busy; heard++) expect((await deaf.next()).type).toBe('from');
    deaf.send({ type: 'meet', tag });
    expect((await deaf.next()).type).toBe('met');
  });

  it('somebody who asks for page after page and does not read them gets no more, then is cut', async () => {
    const clock = createHandClock();
    const { meshUrl, url, server } = await start({ clock });
    const box = makeKey();
    const deaf = await joinMesh(meshUrl, { boxes: [box] });
    for (let request = 1; request <= 8; request++) {
      deaf.send({ type: 'put', request, box: box.id, keepSeconds: 3600, item: fullBytes });
      await deaf.expect('kept');
    }
    deaf.socket.pause();
    for (let request = 1; request <= limits.meshWorkBurst - 10; request++) {
      deaf.send({ type: 'take', request, box: box.id, cursor: '', most: 64 });
    }
    const slow = 'hearthnet_mesh_refused_total{code="rate_limited",reason="reads-too-slowly"}';
    await expect.poll(() => metricOf(url, slow), { timeout: 10_000 }).toBeGreaterThan(0);
    clock.advance(limits.signalPingMs);
    await expect.poll(() => server.stats().mesh.connections, { timeout: 10_000 }).toBe(0);
    expect(await metricOf(url, 'hearthnet_closed_total{reason="slow"}')).toBe(1);
  });

  it('somebody over the rate is read more slowly, loses nothing, and holds up nobody', async () => {
    const clock = createHandClock();
    const { meshUrl, url } = await start({ clock });
    const street = await openMeshStreet(meshUrl);
    const eager = await joinMesh(meshUrl);
    const tag = someBytes(32);
    eager.send({ type: 'meet', tag });
    await eager.expect('met');
    const count = limits.meshRequestBurst * 3;
    for (let index = 0; index < count; index++)
      eager.send({ type: 'send', to: street.bora.id, tag, bytes: textBytes('x') });
    await expect.poll(() => metricOf(url, 'hearthnet_mesh_held_total')).toBeGreaterThan(0);
    expect(await metricOf(url, 'hearthnet_mesh_gone_total')).toBeLessThan(count);
    await street.expectServed();
    await expect
      .poll(
        () => {
          clock.advance(5_000);
          return metricOf(url, 'hearthnet_mesh_gone_total');
        },
        { timeout: 20_000 },
      )
      .toBe(count);
    for (let index = 0; index < count; index++) await eager.expect('gone');
  });

  it(
    'of 5,000 sockets of one address few find a place, other addresses and the page are served',
    { timeout: 60_000 },
    async () => {
      const { meshUrl, port, server, url } = await start();
      const street = await openMeshStreet(meshUrl);
      const handshake = (extra: string) =>
        `GET /mesh HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16, 7).toString('base64')}\r\n${extra}\r\n`;
      const sockets: net.Socket[] = [];
      for (let opened = 0; opened < 5_000; opened += 250) {
        const batch = Array.from(
          { length: 250 },
          (_, index) =>
            new Promise<void>((resolve) => {
              const socket = net.connect({ port, host: '127.0.0.1' });
              sockets.push(socket);
              // A spoofed address on each: it counts for nothing without a proxy that is trusted.
              socket.once('connect', () =>
                socket.write(handshake(`x-forwarded-for: 10.0.${index % 250}.${opened / 250}\r\n`)),
              );
              socket.once('data', () => resolve());
              socket.once('error', () => resolve());
              socket.once('close', () => resolve());
            }),
        );
        await Promise.all(batch);
      }
      expect(server.stats().mesh.connections).toBeLessThanOrEqual(limits.meshConnectionsPerAddressMax + 2);
      await street.expectServed();
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      for (const socket of sockets) socket.destroy();
    },
  );

  it('behind a trusted proxy each named address has its own bound, and what a client writes itself does not count', async () => {
    const { meshUrl, server } = await start({ proxies: unwrap(parseProxyList('127.0.0.1')) });
    const dial = (forwarded: string) => dialMesh(meshUrl, { headers: { 'x-forwarded-for': forwarded } });
    for (let index = 0; index < limits.meshConnectionsPerAddressMax; index++)
      await dial(`10.9.9.${index}, 203.0.113.7`);
    await expect(dial('10.1.1.1, 203.0.113.7')).rejects.toThrow('429');
    await dial('203.0.113.8');
    expect(server.stats().mesh.connections).toBe(limits.meshConnectionsPerAddressMax + 1);
  });
});

describe('a full disk', () => {
  it('refuses new mail, loses none that was kept, and goes on passing words', { timeout: 60_000 }, async () => {
    const { meshUrl, server } = await start({ fileBytesMax: 1024 * 1024 });
    const street = await openMeshStreet(meshUrl);
    const box = makeKey();
    const anna = await joinMesh(meshUrl, { boxes: [box] });
    let kept = 0;
    for (let request = 1; ; request++) {
      const item = new Uint8Array(50_000).fill(request);
      anna.send({ type: 'put', request, box: box.id, keepSeconds: 3600, item });
      const answer = await anna.next();
      if (answer.type !== 'kept') {
        expect(answer).toMatchObject({ type: 'refused', request, code: 'quota_full', reason: 'mail-full' });
        break;
      }
      kept += 1;
    }
    expect(kept).toBeGreaterThan(5);
    expect(server.stats().mesh).toMatchObject({ isMailFull: true, mailItems: kept });
    let [cursor, found] = ['', 0];
    for (let hasMore = true; hasMore;) {
      anna.send({ type: 'take', request: 1, box: box.id, cursor, most: 64 });
      const page = await anna.expect('mail');
      for (const item of page.items) expect(item[0]).toBe(++found);
      ({ cursor, hasMore } = page);
    }
    expect(found).toBe(kept);
    await street.expectServed();
  });
});
