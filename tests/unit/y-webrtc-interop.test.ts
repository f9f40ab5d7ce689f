import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient, startTestServer, type TestServer } from './signaling-fixture.ts';

/**
 * An unmodified y-webrtc 10.3 on our signalling server. Node has a WebSocket but no RTCPeerConnection, so the stock
 * provider runs over a stand-in that hands out made-up session descriptions: everything that crosses the server
 * (subscribe, announce, offers, answers, candidates, pings) is the stock client's own; no data channel opens.
 * Each person is a process of its own, because y-webrtc keeps its rooms in module state.
 */
const stockPerson = `
import * as Y from 'yjs';
import { WebrtcProvider } from 'y-webrtc';
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\\n');
const [name, url, room, password] = process.argv.slice(1);
class Description { constructor(init) { Object.assign(this, init); } }
class Connection {
  signalingState = 'stable'; iceConnectionState = 'new'; iceGatheringState = 'new'; connectionState = 'new';
  getTransceivers() { return []; }
  createDataChannel() { return { readyState: 'connecting', close() {} }; }
  async createOffer() { return { type: 'offer', sdp: 'v=0 offer of ' + name }; }
  async createAnswer() { return { type: 'answer', sdp: 'v=0 answer of ' + name }; }
  async setLocalDescription(description) {
    this.localDescription = description;
    setTimeout(() => this.onicecandidate?.({ candidate: { candidate: 'candidate:' + name, sdpMLineIndex: 0, sdpMid: '0' } }));
  }
  async setRemoteDescription(description) { this.remoteDescription = description; tell({ heard: description.type, sdp: description.sdp }); }
  async addIceCandidate(candidate) { tell({ heard: 'candidate', candidate: candidate.candidate }); }
  close() {}
}
const wrtc = { RTCPeerConnection: Connection, RTCSessionDescription: Description, RTCIceCandidate: Description };
const provider = new WebrtcProvider(room, new Y.Doc(), {
  signaling: [url], password: password || null, maxConns: 20, peerOpts: { wrtc },
});
provider.on('peers', ({ added, webrtcPeers }) => tell({ added, webrtcPeers }));
provider.signalingConns[0].on('message', (message) => {
  if (message.type !== 'publish') tell({ answer: message });
  else tell({ published: typeof message.data, clients: message.clients });
});
provider.signalingConns[0].on('connect', () => tell({ connected: true }));
provider.key.then(() => tell({ peerId: provider.room.peerId }));
process.stdin.on('data', (chunk) => {
  for (const word of String(chunk).trim().split('\\n')) {
    if (word === 'ping') provider.signalingConns[0].send({ type: 'ping' });
    if (word === 'leave') provider.disconnect();
  }
});
`;

type Told = Record<string, unknown>;

const people: (() => void)[] = [];

const startStockPerson = (name: string, url: string, room: string, password = '') => {
  const args = ['--input-type=module', '-e', stockPerson, '--', name, url, room, password];
  const child = spawn(process.execPath, args, { stdio: 'pipe' });
  people.push(() => child.kill('SIGKILL'));
  const told: Told[] = [];
  const watchers = new Set<() => void>();
  let stderr = '';
  child.stderr.on('data', (chunk) => void (stderr += String(chunk)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    told.push(JSON.parse(line) as Told);
    for (const watch of watchers) watch();
  });
  const until = (isIt: (told: Told) => boolean): Promise<Told> =>
    new Promise((resolve, reject) => {
      const watch = (): void => {
        const found = told.find(isIt);
        if (found === undefined) return;
        watchers.delete(watch);
        resolve(found);
      };
      watchers.add(watch);
      child.once('close', () => reject(new Error(`${name} ended: ${stderr}`)));
      watch();
    });
  return { until, told, say: (word: string) => child.stdin.write(`${word}\n`), stderr: () => stderr };
};

let served: TestServer;
beforeAll(async () => {
  served = await startTestServer();
});
afterAll(async () => {
  for (const kill of people) kill();
  await served.stop();
});

describe('stock y-webrtc 10.3 on our server', () => {
  it.each([
    ['in the open', ''],
    ['under a room password', 'green door'],
  ])('anna and bora announce themselves, offer, answer and send candidates %s', async (_how, password) => {
    const room = `street ${password}`;
    const anna = startStockPerson('anna', served.signalUrl, room, password);
    await anna.until((told) => told['published'] !== undefined);
    const bora = startStockPerson('bora', served.signalUrl, room, password);
    const [annaId, boraId] = await Promise.all(
      [anna, bora].map(async (person) => (await person.until((told) => 'peerId' in told))['peerId']),
    );
    // Bora's announce makes anna call; bora answers; both hear the other's candidates.
    expect(await anna.until((told) => 'added' in told)).toEqual({ added: [boraId], webrtcPeers: [boraId] });
    expect(await bora.until((told) => told['heard'] === 'offer')).toEqual({ heard: 'offer', sdp: 'v=0 offer of anna' });
    expect(await bora.until((told) => 'added' in told)).toEqual({ added: [annaId], webrtcPeers: [annaId] });
    expect(await anna.until((told) => told['heard'] === 'answer')).toEqual({
      heard: 'answer',
      sdp: 'v=0 answer of bora',
    });
    expect(await anna.until((told) => told['heard'] === 'candidate')).toMatchObject({ candidate: 'candidate:bora' });
    expect(await bora.until((told) => told['heard'] === 'candidate')).toMatchObject({ candidate: 'candidate:anna' });
    // With a password the server sees text, without one the plain object; both count two listeners.
    const kind = password === '' ? 'object' : 'string';
    expect(await bora.until((told) => told['clients'] === 2)).toEqual({ published: kind, clients: 2 });
    for (const person of [anna, bora]) {
      expect(person.told.filter((told) => 'answer' in told)).toEqual([]);
      expect(person.stderr()).toBe('');
    }
  });

  it('answers the stock ping with pong and forgets the room when its last person leaves', async () => {
    const before = served.server.stats().topics;
    const chen = startStockPerson('chen', served.signalUrl, 'a room of his own');
    await chen.until((told) => told['published'] !== undefined);
    expect(served.server.stats().topics).toBe(before + 1);
    chen.say('ping');
    expect(await chen.until((told) => 'answer' in told)).toEqual({ answer: { type: 'pong' } });
    chen.say('leave');
    await expect.poll(() => served.server.stats().topics).toBe(before);
  });

  it('a HearthNet client can sit in the same room and hears the stock announce', async () => {
    const own = await openClient(served.signalUrl);
    own.send({ type: 'subscribe', topics: ['mixed'] });
    await own.untilPong();
    startStockPerson('anna', served.signalUrl, 'mixed');
    expect(await own.next()).toMatchObject({ type: 'publish', topic: 'mixed', data: { type: 'announce' }, clients: 2 });
  });
});
