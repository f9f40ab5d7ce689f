import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import { connectionIdInput, type Bytes, type MeshAnswer } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { dialMesh, joinMesh, joinRequest, makeKey, openRequest, someBytes, textBytes } from './mesh-fixture.ts';
import { createHandClock, startTestServer, type TestServer, type TestServerOptions } from './signaling-fixture.ts';

const running: TestServer[] = [];
const start = async (options?: TestServerOptions): Promise<TestServer> => {
  const started = await startTestServer(options);
  running.push(started);
  return started;
};
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

const street = someBytes(32);
const textOf = (answer: MeshAnswer): string =>
  answer.type === 'from' ? Buffer.from(answer.bytes).toString() : answer.type;
const hexes = (ids: readonly Bytes[]): string[] => ids.map((id) => Buffer.from(id).toString('hex')).sort();

describe('joining', () => {
  it('gives anna the name that is the hash of her key, the clock, and what this server has', async () => {
    const clock = createHandClock();
    const { meshUrl } = await start({ clock });
    const key = makeKey();
    const anna = await joinMesh(meshUrl, { key });
    expect(hexes([anna.id])).toEqual([
      createHash('sha256').update(connectionIdInput(key.id)).digest('hex').slice(0, 32),
    ]);
    expect(anna.joined).toMatchObject({
      clockMs: clock.now(),
      iceServers: [],
      features: { mailbox: true, cluster: 'alone' },
    });
  });

  it('gives TURN credentials that end, and never the secret', async () => {
    const clock = createHandClock();
    const { meshUrl } = await start({ clock, turn: { urls: ['turn:turn.example:3478'], secret: 'house-secret' } });
    const [server] = (await joinMesh(meshUrl)).joined.iceServers;
    expect(server?.urls).toEqual(['turn:turn.example:3478']);
    expect(Number(server?.username.split(':')[0])).toBe(Math.floor(clock.now() / 1000) + limits.turnCredentialS);
    expect(server?.credential).toMatch(/^[A-Za-z0-9+/]{27}=$/);
    expect(JSON.stringify(server)).not.toContain('house-secret');
  });

  it('lets nobody do anything before it, and nobody twice', async () => {
    const { meshUrl } = await start();
    const stranger = await dialMesh(meshUrl);
    stranger.send({ type: 'meet', tag: street });
    expect(await stranger.expect('refused')).toMatchObject({ code: 'unauthorized', reason: 'not-joined' });
    const key = makeKey();
    stranger.send(joinRequest(stranger, key));
    await stranger.expect('joined');
    stranger.send(joinRequest(stranger, key));
    expect(await stranger.expect('refused')).toMatchObject({ reason: 'joined-already' });
  });

  it('closes who has not joined in time', async () => {
    const clock = createHandClock();
    const { meshUrl, server } = await start({ clock });
    const silent = await dialMesh(meshUrl);
    const anna = await joinMesh(meshUrl);
    clock.advance(limits.meshJoinMs);
    expect(await silent.closed).toEqual({ code: 1008, reason: 'join-late' });
    anna.send({ type: 'meet', tag: street });
    expect((await anna.expect('met')).near).toEqual([]);
    expect(server.stats().mesh.connections).toBe(1);
  });

  it('lets the newer connection of a key replace the older', async () => {
    const { meshUrl } = await start();
    const key = makeKey();
    const before = await joinMesh(meshUrl, { key, tags: [street] });
    const after = await joinMesh(meshUrl, { key, tags: [street] });
    expect((await before.closed).code).toBe(4001);
    const bora = await joinMesh(meshUrl, { tags: [street] });
    bora.send({ type: 'send', to: after.id, tag: street, bytes: textBytes('still here?') });
    expect(textOf(await after.next())).toBe('still here?');
  });
});

describe('meeting', () => {
  it('tells anna of bora and chen and passes her words to the one she names, with who and where from', async () => {
    const { meshUrl } = await start();
    const bora = await joinMesh(meshUrl, { tags: [street] });
    const chen = await joinMesh(meshUrl, { tags: [street] });
    const anna = await joinMesh(meshUrl);
    anna.send({ type: 'meet', tag: street });
    const met = await anna.expect('met');
    expect(hexes(met.near)).toEqual(hexes([bora.id, chen.id]));
    expect(met.away).toBe(0);
    anna.send({ type: 'send', to: bora.id, tag: street, bytes: textBytes('hello bora') });
    const heard = await bora.expect('from');
    expect(hexes([heard.from, heard.tag])).toEqual(hexes([anna.id, street]));
    expect(textOf(heard)).toBe('hello bora');
    chen.send({ type: 'meet', tag: street });
    // Chen heard nothing before the answer to what was asked later.
    expect((await chen.next()).type).toBe('met');
  });

  it('says gone of who is not there, and refuses words at a tag where the sender is not', async () => {
    const { meshUrl } = await start();
    const bora = await joinMesh(meshUrl, { tags: [street] });
    const anna = await joinMesh(meshUrl, { tags: [street] });
    const elsewhere = someBytes(32);
    anna.send({ type: 'send', to: bora.id, tag: elsewhere, bytes: textBytes('x') });
    expect(await anna.expect('refused')).toMatchObject({ reason: 'tag-not-met' });
    anna.send({ type: 'meet', tag: elsewhere });
    await anna.expect('met');
    anna.send({ type: 'send', to: bora.id, tag: elsewhere, bytes: textBytes('x') });
    expect(hexes([(await anna.expect('gone')).to])).toEqual(hexes([bora.id]));
    bora.send({ type: 'part', tag: street });
    bora.send({ type: 'meet', tag: someBytes(32) });
    await bora.expect('met');
    anna.send({ type: 'send', to: bora.id, tag: street, bytes: textBytes('x') });
    expect((await anna.expect('gone')).type).toBe('gone');
  });

  it('tells a newcomer of sixteen of forty, never of itself, and how many were here and are away', async () => {
    const { meshUrl } = await start();
    const neighbours = await Promise.all(Array.from({ length: 40 }, () => joinMesh(meshUrl, { tags: [street] })));
    const anna = await joinMesh(meshUrl);
    anna.send({ type: 'meet', tag: street });
    const { near } = await anna.expect('met');
    expect(new Set(hexes(near)).size).toBe(limits.meetSampleMax);
    expect(hexes(near)).not.toContain(hexes([anna.id])[0]);
    for (const neighbour of neighbours.slice(0, 30)) await neighbour.close();
    await expect
      .poll(async () => {
        anna.send({ type: 'meet', tag: street });
        return (await anna.expect('met')).away;
      })
      .toBe(30);
  });

  it('refuses a tag too many', async () => {
    const { meshUrl } = await start();
    const tags = Array.from({ length: limits.meshTagsPerConnectionMax }, () => someBytes(32));
    const anna = await joinMesh(meshUrl, { tags });
    anna.send({ type: 'meet', tag: street });
    expect(await anna.expect('refused')).toMatchObject({ reason: 'tags-per-connection' });
  });
});

describe('mail', () => {
  it('keeps what anna puts until bora, who has the box too, takes it, and goes on from the cursor', async () => {
    const { meshUrl } = await start();
    const box = makeKey();
    const anna = await joinMesh(meshUrl, { boxes: [box] });
    for (const [index, word] of ['one', 'two', 'three'].entries()) {
      anna.send({ type: 'put', request: index + 1, box: box.id, keepSeconds: 3600, item: textBytes(word) });
      expect(await anna.expect('kept')).toEqual({ type: 'kept', request: index + 1 });
    }
    await anna.close();
    const bora = await joinMesh(meshUrl, { boxes: [box] });
    bora.send({ type: 'take', request: 7, box: box.id, cursor: '', most: 2 });
    const first = await bora.expect('mail');
    expect(first.items.map((item) => Buffer.from(item).toString())).toEqual(['one', 'two']);
    expect(first).toMatchObject({ request: 7, hasMore: true });
    bora.send({ type: 'take', request: 8, box: box.id, cursor: first.cursor, most: 2 });
    const second = await bora.expect('mail');
    expect(second.items.map((item) => Buffer.from(item).toString())).toEqual(['three']);
    expect(second.hasMore).toBe(false);
    bora.send({ type: 'take', request: 9, box: box.id, cursor: second.cursor, most: 2 });
    expect(await bora.expect('mail')).toMatchObject({ items: [], cursor: second.cursor });
  });

  it('refuses to keep too much, for too long, and what was never opened', async () => {
    const { meshUrl } = await start();
    const box = makeKey();
    const anna = await joinMesh(meshUrl, { boxes: [box] });
    const put = { type: 'put', box: box.id, keepSeconds: 60, item: textBytes('x') } as const;
    anna.send({ ...put, request: 1, item: someBytes(limits.mailItemBytesMax + 1) });
    expect(await anna.expect('refused')).toMatchObject({ request: 1, reason: 'bytes-too-large' });
    anna.send({ ...put, request: 2, keepSeconds: limits.mailKeepMs / 1000 + 1 });
    expect(await anna.expect('refused')).toMatchObject({ request: 2, reason: 'keep-too-long' });
    anna.send({ ...put, request: 3, box: makeKey().id });
    expect(await anna.expect('refused')).toMatchObject({ request: 3, reason: 'box-not-opened' });
    anna.send({ ...put, request: 4 });
    expect((await anna.expect('kept')).request).toBe(4);
  });

  it('lets one connection open so many boxes', async () => {
    const { meshUrl } = await start();
    const boxes = Array.from({ length: limits.meshBoxesPerConnectionMax }, () => makeKey());
    const anna = await joinMesh(meshUrl, { boxes });
    anna.send(openRequest(anna, makeKey()));
    expect(await anna.expect('refused')).toMatchObject({ reason: 'boxes-per-connection' });
  });
});

describe('stopping and telling', () => {
  it('says that it is moving before it stops', async () => {
    const { meshUrl, server } = await start();
    const anna = await joinMesh(meshUrl, { tags: [street] });
    const stopped = server.stop();
    expect(await anna.next()).toEqual({ type: 'moving' });
    expect((await anna.closed).code).toBe(1001);
    await stopped;
  });

  it('shows in /healthz and /metrics how much, and never who or where', async () => {
    const { meshUrl, url } = await start();
    const box = makeKey();
    const anna = await joinMesh(meshUrl, { tags: [street], boxes: [box] });
    anna.send({ type: 'put', request: 1, box: box.id, keepSeconds: 60, item: textBytes('sealed') });
    await anna.expect('kept');
    anna.send('text');
    await anna.expect('refused');
    const health: unknown = await (await fetch(`${url}/healthz`)).json();
    expect(health).toMatchObject({
      ok: true,
      mesh: { connections: 1, tags: 1, rosterEntries: 1, mailItems: 1, isMailFull: false, cluster: 'alone' },
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('hearthnet_mesh_mail_kept_total 1');
    expect(metrics).toContain('hearthnet_mesh_refused_total{code="bad_request",reason="text-frame"} 1');
    for (const secret of [street, box.id, anna.id]) {
      for (const spelling of ['hex', 'base64url', 'base64'] as const) {
        expect(metrics + JSON.stringify(health)).not.toContain(Buffer.from(secret).toString(spelling));
      }
    }
  });
});
