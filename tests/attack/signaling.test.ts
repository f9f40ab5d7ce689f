import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { parseSignalAnswer, parseSignalFrame } from '../../src/lib/kernel/wire/signal.ts';
import { createDice, randomFrame } from './signaling-frames.ts';
import {
  createHandClock,
  openClient,
  rawExchange,
  rawGet,
  startTestServer,
  type TestClient,
  type TestServer,
} from '../unit/signaling-fixture.ts';

const seed = 20261123;
const frameCount = 10_000;
/** Below the budget of refusals, so that every frame of an attacker reaches the parser. */
const framesPerAttacker = 50;
const attackersAtOnce = 8;

const running: TestServer[] = [];
const start = async (options?: Parameters<typeof startTestServer>[0]): Promise<TestServer> => {
  const started = await startTestServer(options);
  running.push(started);
  return started;
};
afterEach(async () => {
  vi.restoreAllMocks();
  for (const one of running.splice(0)) await one.stop();
});

describe('random frames', () => {
  it(`${frameCount} of them harm nobody: all are read, anna and bora are served meanwhile, and nothing is logged`, async () => {
    const logs = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')];
    const { signalUrl, server, url } = await start();
    const street = await openStreet(signalUrl);
    const dice = createDice(seed);
    let sent = 0;
    while (sent < frameCount) {
      const attackers = await Promise.all(Array.from({ length: attackersAtOnce }, () => openClient(signalUrl)));
      for (const attacker of attackers) {
        const count = Math.min(framesPerAttacker, frameCount - sent);
        for (let index = 0; index < count; index++) attacker.send(randomFrame(dice));
        sent += count;
        // Above the hard bound the socket ends, so it may only come last.
        if (dice.below(10) === 0) attacker.send(Buffer.alloc(limits.signalFrameHardBytesMax + 1));
        attacker.socket.close();
      }
      await street.expectServed();
      await Promise.all(attackers.map((attacker) => attacker.closed));
    }
    expect(server.stats().messagesIn).toBe(frameCount + street.framesSent());
    await expect.poll(() => server.stats()).toMatchObject({ connections: 2, topics: 1 });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).not.toContain('server-fault');
    for (const reason of ['not-json', 'binary-frame', 'frame-too-large', 'too-deep', 'unknown-verb']) {
      expect(metrics).toContain(`reason="${reason}"`);
    }
    for (const log of logs) expect(log).not.toHaveBeenCalled();
  });

  it('never make the parsers throw', () => {
    const dice = createDice(seed + 1);
    for (let index = 0; index < frameCount; index++) {
      const text = String(randomFrame(dice));
      const [frame, answer] = [parseSignalFrame(text), parseSignalAnswer(text)];
      // What was accepted can be written out again, however deep or odd it was.
      if (frame.ok) expect(typeof JSON.stringify(frame.value)).toBe('string');
      if (answer.ok) expect(typeof JSON.stringify(answer.value)).toBe('string');
    }
  });

  it('from somebody who does not stop end with 1008', async () => {
    const { signalUrl } = await start();
    const street = await openStreet(signalUrl);
    const attacker = await openClient(signalUrl);
    for (let index = 0; index < 5_000; index++) attacker.send('nonsense');
    expect((await attacker.closed).code).toBe(1008);
    await street.expectServed();
  });
});

describe('bytes below the frames', () => {
  it('garbage instead of HTTP, and garbage after a good handshake, leaves the server up', async () => {
    const { port, signalUrl, server } = await start();
    const street = await openStreet(signalUrl);
    const dice = createDice(seed + 2);
    const handshake = `GET /signal HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16, 7).toString('base64')}\r\n\r\n`;
    for (let index = 0; index < 200; index++) {
      // The first bit set is a reserved opcode bit, so that no random length makes the server wait for more.
      const garbage = Buffer.concat([Buffer.of(0xf0), dice.bytes(1 + dice.below(400))]);
      await rawExchange(port, Buffer.concat([garbage, Buffer.from('\r\n\r\n')]));
      expect(await rawExchange(port, Buffer.concat([Buffer.from(handshake), garbage]))).toMatch(/^HTTP\/1\.1 101 /);
    }
    await street.expectServed();
    await expect.poll(() => server.stats().connections).toBe(2);
  });

  it('text that is not UTF-8, unmasked frames and endless fragments end that socket only', async () => {
    const { port, signalUrl } = await start();
    const street = await openStreet(signalUrl);
    const invalid = await openClient(signalUrl);
    invalid.socket.send(Buffer.of(0xc3, 0x28), { binary: false });
    expect((await invalid.closed).code).toBe(1007);
    const fragments = await openClient(signalUrl);
    for (let index = 0; index <= limits.signalFragmentsPerFrameMax; index++) fragments.socket.send('', { fin: false });
    expect((await fragments.closed).code).toBe(1008);
    const unmasked = Buffer.from([0x81, 0x02, 0x7b, 0x7d]);
    const key = Buffer.alloc(16).toString('base64');
    const handshake = `GET /signal HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`;
    expect(await rawExchange(port, Buffer.concat([Buffer.from(handshake), unmasked]))).toContain('101 ');
    await street.expectServed();
  });

  it('a flood of pings is charged like frames and ends with 1008', async () => {
    const { signalUrl } = await start();
    const flooder = await openClient(signalUrl);
    for (let index = 0; index < 5_000; index++) flooder.socket.ping();
    expect((await flooder.closed).code).toBe(1008);
  });
});

describe('a receiver that does not read', () => {
  it('holds up nobody, misses what passes its bound, and is cut', async () => {
    const clock = createHandClock();
    const { signalUrl, server, url } = await start({ clock });
    const bora = await openClient(signalUrl);
    const deaf = await openClient(signalUrl);
    for (const listener of [bora, deaf]) {
      listener.send({ type: 'subscribe', topics: ['room'] });
      await listener.untilPong();
    }
    deaf.socket.pause();
    const frame = { type: 'publish', topic: 'room', data: 'x'.repeat(60_000) };
    let heard = 0;
    // As much as twelve honest budgets allow: more than the machine's own socket buffers hold.
    for (let sender = 0; sender < 12; sender++) {
      const anna = await openClient(signalUrl);
      for (let index = 0; index < Math.floor(limits.signalByteBurst / 61_000); index++) {
        anna.send(frame);
        expect((await bora.next())['clients']).toBe(2);
        heard += 1;
      }
      await anna.close();
    }
    const lost = Number(/hearthnet_lost_total (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(heard);
    clock.advance(limits.signalPingMs);
    await expect.poll(() => server.stats().connections).toBe(1);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('hearthnet_closed_total{reason="slow"} 1');
    expect(await bora.untilPong()).toEqual([]);
  });
});

describe('ways out of the build folder', () => {
  it.each([
    '/../secret.txt',
    '/library/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%2fsecret.txt',
    '/.%2e/secret.txt',
    '/%252e%252e/secret.txt',
    '/..\\secret.txt',
    '/..%5csecret.txt',
    '/%5c..%5csecret.txt',
    '/_app/immutable/../../../secret.txt',
    '/_app/%2e%2e/%2e%2e/secret.txt',
    '/....//secret.txt',
    '//secret.txt',
    '/%2fsecret.txt',
    '/secret.txt%00.html',
    '/200.html%00',
    '/%c0%ae%c0%ae/secret.txt',
    '/%ff',
    '/%',
    '/.hidden',
    '/icons/.env',
    '/icons',
    '/icons/',
    '/~root/secret.txt',
    '/C:/secret.txt',
    'secret.txt',
    '../secret.txt',
    'http://127.0.0.1/../secret.txt',
    '/__proto__',
    '/constructor',
    '*',
  ])('%s leads nowhere', async (target) => {
    const served = await start();
    for (const file of ['secret.txt', 'build/icons/.env']) {
      const path = join(dirname(served.appDir), file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'the secret of the house');
    }
    const { status, body } = await rawGet(served.port, target);
    expect(body).not.toContain('secret of the house');
    expect(body).not.toContain('nobody should read this');
    // The shell may open where a person could have typed an address; nothing else may be found.
    if (status === 200) expect(body).toContain('<title>shell</title>');
    else expect([400, 404]).toContain(status);
    expect(served.server.stats().connections).toBe(0);
  });

  it('a header without end, and a body nobody asked for, are refused', async () => {
    const { port, url } = await start();
    const endless = `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(limits.httpHeaderBytesMax + 1)}\r\n\r\n`;
    expect(await rawExchange(port, endless)).toMatch(/^HTTP\/1\.1 400 /);
    const upload = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n${'a'.repeat(10_000)}`;
    expect(await rawExchange(port, upload)).toMatch(/^HTTP\/1\.1 405 /);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('sockets that only wait', () => {
  it('of one address are bounded, and a half-sent request is ended by the server itself', async () => {
    const { port, url } = await start();
    const count = limits.httpSocketsPerAddressMax + 20;
    let ended = 0;
    const sockets = Array.from({ length: count }, () => {
      const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n'));
      socket.on('error', () => socket.destroy());
      socket.on('close', () => (ended += 1));
      socket.resume();
      return socket;
    });
    await expect.poll(() => ended, { timeout: 5_000 }).toBe(20);
    // The rest is waited for as long as the server's own bound for headers lasts.
    await expect.poll(() => ended, { timeout: 20_000, interval: 250 }).toBe(count);
    // The server gives a place back when its own end has closed, which may be a moment after the other end has.
    const isServed = () =>
      fetch(`${url}/healthz`)
        .then(({ ok }) => ok)
        .catch(() => false);
    await expect.poll(isServed, { timeout: 5_000 }).toBe(true);
    for (const socket of sockets) socket.destroy();
  });
});

/** Anna and bora in one room, whose topic every attacker here knows. */
const openStreet = async (signalUrl: string) => {
  const [anna, bora] = [await openClient(signalUrl), await openClient(signalUrl)];
  let framesSent = 0;
  const say = (person: TestClient, frame: object): void => {
    framesSent += 1;
    person.send(frame);
  };
  for (const person of [anna, bora]) {
    say(person, { type: 'subscribe', topics: ['street'] });
    framesSent += 1;
    await person.untilPong();
  }
  const until = async (person: TestClient, data: string): Promise<void> => {
    for (let frame = await person.next(); frame['data'] !== data; frame = await person.next());
  };
  return {
    framesSent: () => framesSent,
    /** Anna speaks and bora hears it, whatever else is said in the room. */
    expectServed: async (): Promise<void> => {
      const data = `honest-${framesSent}`;
      say(anna, { type: 'publish', topic: 'street', data });
      await Promise.all([until(anna, data), until(bora, data)]);
    },
  };
};
