import decodeQR from 'qr/decode.js';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../contracts/transport-world.ts';
import type { Mesh } from '../../../src/lib/contracts/mesh.ts';
import type { NodeInfo } from '../../../src/lib/contracts/node.ts';
import { codeOfHash } from '../../../src/lib/state/invite-box.svelte.ts';
import { standingOf } from '../../../src/lib/state/neighbourhood.svelte.ts';
import { checkSignal, parseSignalUrl } from '../../../src/lib/state/signal-check.ts';
import { readVitalGuides } from '../../../src/lib/state/vital-guides.ts';
import { drawFace, initialsOf } from '../../../src/lib/ui/face-drawing.ts';
import { qrPath } from '../../../src/lib/ui/qr-path.ts';

const now = 1_000_000;
const info = (membership: NodeInfo['membership']): NodeInfo => ({
  device: 'anna-phone',
  person: 'anna',
  name: 'Anna',
  build: '',
  community: null,
  membership,
  pendingReason: '',
  signalUrl: '',
  defaultSignalUrl: '',
  hidesAddress: false,
  storagePersisted: false,
  startedAt: 0,
  clockOffsetMs: 0,
  crypto: 'webcrypto',
  giving: { profile: 'hearth', batterySaver: 'auto', battery: null, isSaving: false, areas: [] },
});
const mesh = (linked: readonly string[], state: Mesh['signalling']['state'], since = now): Mesh => ({
  neighbours: linked.map((person) => ({
    device: `${person}-phone`,
    person,
    name: person,
    state: 'linked',
    kind: 'webrtc',
    way: 'direct',
    address: null,
    linkedSince: now,
    rttMs: 1,
    lastHeardAt: now,
    hasTold: true,
    offers: [],
    profile: null,
    battery: null,
    loadPercent: 0,
    build: '',
  })),
  ownOffers: [],
  signalling: { url: '', state, since },
  servers: [],
  ways: { server: 'open', neighbours: 'trying', lan: 'trying', radio: 'off', pair: 'open' },
  hands: 'worker',
  candidates: 'some',
  webrtc: true,
});

describe('the status pill', () => {
  it('says neighbours when bora is linked, also while the meeting server is lost', () => {
    expect(standingOf(info('member'), mesh(['bora'], 'lost'), now, true)).toBe('neighbours');
  });

  it('says no internet when the device has none and bora is still linked', () => {
    expect(standingOf(info('member'), mesh(['bora'], 'lost'), now, false)).toBe('no-internet');
  });

  it("does not count anna's own second device as a neighbour", () => {
    expect(standingOf(info('member'), mesh(['anna'], 'lost'), now, true)).toBe('alone');
  });

  it('looks for neighbours for a while, then admits that nobody is there', () => {
    expect(standingOf(info('member'), mesh([], 'open', now - 1_000), now, true)).toBe('looking');
    expect(standingOf(info('member'), mesh([], 'open', now - 60_000), now, true)).toBe('alone');
  });

  it('keeps looking for chen who waits at a door', () => {
    expect(standingOf(info('pending'), mesh([], 'open', now - 60_000), now, true)).toBe('looking');
  });
});

describe('what comes in from outside', () => {
  it('reads an invite from the fragment and nothing else', () => {
    expect(codeOfHash('#join=HN1_abc-DEF', 'join')).toBe('HN1_abc-DEF');
    expect(codeOfHash('#device=HN1_abc-DEF', 'device')).toBe('HN1_abc-DEF');
    expect(codeOfHash('#device=HN1_abc-DEF', 'join')).toBeNull();
    for (const hash of ['', '#', '#network', '#join=', `#join=${'x'.repeat(2_001)}`])
      expect(codeOfHash(hash, 'join')).toBeNull();
  });

  it('takes a signalling address as people type it, and refuses what cannot be one', () => {
    expect(parseSignalUrl(' wss://example.org/signal ')?.href).toBe('wss://example.org/signal');
    expect(parseSignalUrl('https://example.org/signal')?.href).toBe('wss://example.org/signal');
    for (const typed of ['', 'example', 'ftp://example.org', 'javascript:alert(1)', 'ws://'])
      expect(parseSignalUrl(typed)).toBeNull();
  });

  it('tests the socket that the node would use: an address without a path means the mesh socket of that server', async () => {
    const asked: string[] = [];
    const open = (url: string): WebSocket => {
      asked.push(url);
      const socket = Object.assign(new EventTarget(), { close: () => {} });
      queueMicrotask(() => socket.dispatchEvent(new Event('open')));
      return socket as unknown as WebSocket;
    };
    const deps = { clock: createVirtualClock(0), pageProtocol: 'https:', open };
    for (const typed of ['wss://example.org', 'wss://example.org/own/mesh'])
      expect(await checkSignal(typed, deps)).toMatchObject({ ok: true });
    expect(asked).toEqual(['wss://example.org/mesh', 'wss://example.org/own/mesh']);
    expect(await checkSignal('ws://example.org', deps)).toEqual({ ok: false, problem: 'mixed' });
  });

  it('shows only the vital guides that are on this device, in the order of haste', async () => {
    const serve =
      (body: string, status = 200) =>
      async () =>
        new Response(body, { status });
    const guides = ['water', 'bleeding', 'hearthnet'].map((id) => ({ id, language: 'en' }));
    expect(await readVitalGuides('en', serve(JSON.stringify({ guides })))).toEqual(['bleeding', 'water']);
    for (const body of ['', 'null', '[]', '{"guides":7}']) expect(await readVitalGuides('en', serve(body))).toBeNull();
    expect(await readVitalGuides('en', serve('{}', 404))).toBeNull();
    expect(await readVitalGuides('de', serve('{"guides":[null,3,{"id":{}}]}'))).toEqual([]);
  });
});

describe('drawings', () => {
  it('draw the same face for bora everywhere, and another one for chen', () => {
    expect(drawFace('bora-id', 'Bora')).toEqual(drawFace('bora-id', 'Bora'));
    expect(drawFace('bora-id', 'Bora')).not.toEqual(drawFace('chen-id', 'Bora'));
  });

  it('take initials from names of any script, and none from an empty one', () => {
    expect([' anna  maria berger ', 'chen', 'Öykü Ş.', '', '🦊 fuchs'].map(initialsOf)).toEqual([
      'AB',
      'C',
      'ÖŞ',
      '',
      '🦊F',
    ]);
  });

  it('draw a QR code that a camera reads back', () => {
    const text = `https://example.org/#join=${'aB3-_x'.repeat(16)}`;
    const { size, path } = qrPath(text);
    expect(decodeQR(rasterize(size, path, 4))).toBe(text);
  });
});

/** The path's runs of one module's height (`Mx yhNv1h-Nz`) as an image of `scale` pixels a module. */
const rasterize = (size: number, path: string, scale: number) => {
  const side = size * scale;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++) {
      for (let column = Number(x) * scale; column < (Number(x) + Number(length)) * scale; column++)
        data.fill(0, (row * side + column) * 4, (row * side + column) * 4 + 3);
    }
  }
  return { width: side, height: side, data };
};
