import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseMeshAnswer, parseMeshRequest } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { dialMesh, joinMesh } from '../unit/mesh-fixture.ts';
import { startTestServer, type TestServer } from '../unit/signaling-fixture.ts';
import { metricOf, openMeshStreet, randomMeshFrame } from './server-fixture.ts';
import { createDice } from './signaling-frames.ts';

const seed = 20261124;
const frameCount = 100_000;
const framesPerAttacker = 60;
const attackersAtOnce = 16;

const running: TestServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const one of running.splice(0)) await one.stop();
});

describe('random frames on /mesh', () => {
  it(
    `${frameCount} of them end no server: anna and bora are served meanwhile, and nothing is logged`,
    { timeout: 240_000 },
    async () => {
      const logs = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')];
      const started = await startTestServer();
      running.push(started);
      const { meshUrl, server, url } = started;
      const street = await openMeshStreet(meshUrl);
      const dice = createDice(seed);
      const attack = async (index: number): Promise<void> => {
        // Every other one has proven a key, so that what lies behind the proof is met as well.
        const attacker = index % 2 === 0 ? await dialMesh(meshUrl) : await joinMesh(meshUrl);
        for (let sent = 0; sent < framesPerAttacker; sent++) attacker.send(randomMeshFrame(dice));
        await attacker.close();
      };
      // Counted are those the server has read: a stranger with a false proof is closed, and the rest of it never looked at.
      while ((await metricOf(url, 'hearthnet_mesh_frames_in_total')) < frameCount) {
        await Promise.all(Array.from({ length: attackersAtOnce }, (_, index) => attack(index)));
        await street.expectServed();
      }
      for (const reason of ['not-cbor', 'frame-malformed', 'unknown-frame', 'not-joined', 'box-not-opened']) {
        expect(server.stats().mesh.connections).toBe(2);
        expect(await (await fetch(`${url}/metrics`)).text()).toContain(`reason="${reason}"`);
      }
      expect(await (await fetch(`${url}/metrics`)).text()).not.toContain('server-fault');
      for (const log of logs) expect(log).not.toHaveBeenCalled();
    },
  );

  it('never make the parsers throw', () => {
    const dice = createDice(seed + 1);
    for (let index = 0; index < frameCount; index++) {
      const frame = randomMeshFrame(dice);
      expect(typeof parseMeshRequest(frame).ok).toBe('boolean');
      expect(typeof parseMeshAnswer(frame).ok).toBe('boolean');
    }
  });
});
