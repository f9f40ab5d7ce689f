import { librarySearch } from '../../src/lib/contracts/library.ts';
import { meshPing } from '../../src/lib/contracts/mesh.ts';
import { certificateLifeSeconds, issueCertificate } from '../../src/lib/crypto/certificate.ts';
import { communityPlace } from '../../src/lib/crypto/community-key.ts';
import { capabilityId } from '../../src/lib/kernel/bus/capability.ts';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { hlcEpochMs, hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import { every } from '../../src/lib/kernel/ports/clock.ts';
import type { Link } from '../../src/lib/kernel/ports/links.ts';
import { authorityLane, monthLane, signEvent } from '../../src/lib/log/event.ts';
import { encodePayload, kinds } from '../../src/lib/log/kinds.ts';
import { createNeighbours } from '../../src/lib/mesh/neighbours.ts';
import { encodeRpc, parseRpc } from '../../src/lib/mesh/rpc-frames.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { encodeRuns } from '../../src/lib/replica/canonical.ts';
import { encodeFrame, parseFrame } from '../../src/lib/replica/frames.ts';
import { createSeededKeyring } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createDeviceClock } from '../support/virtual-clock.ts';
import type { SimDevice } from './device.ts';
import { knock } from './play.ts';
import { createSimCrypto } from './sim-crypto.ts';
import type { World } from './world.ts';

/** Somebody without membership who tries what they can. `stop` ends it and says what they got that they should not have. */
export type Stranger = { stop(): Promise<string[]> };

const tryEveryMs = 25_000;

/** Zed stands at the door with a good invite and is never let in: a whole node that calls and syncs as if it were. */
export const standAtTheDoor = async (world: World, host: SimDevice): Promise<Stranger> => {
  const wrong: string[] = [];
  const zed = await world.addDevice('zed');
  await knock(world, host, zed);
  const stopTrying = every(
    world.clock,
    () => tryEveryMs,
    () => {
      const calls = [
        world.call(zed, meshPing, { nonce: 7 }, { device: host.id }),
        world.call(zed, librarySearch, { query: 'key of the pump', k: 3 }, { device: host.id }),
      ];
      for (const call of calls)
        void call.then(
          (reply) => reply !== 'lost' && reply.ok && wrong.push('a call of zed, who stands at the door, was served'),
        );
    },
  );
  return {
    stop: async () => {
      stopTrying();
      if (zed.disk.events.size + zed.disk.payloads.size > 0) wrong.push('zed, who stands at the door, has got events');
      for (const { id, name } of world.devices) {
        if (id !== zed.id && (zed.node()?.bus.registry.remoteOffers(id).length ?? 0) > 0)
          wrong.push(`zed, who stands at the door, knows what ${name} offers`);
      }
      return wrong;
    },
  };
};

/** Yara has stolen the community's key: she finds the members and proves her own device to them, which is in nobody's fold. */
export const meetWithStolenKey = async (world: World, victim: SimDevice): Promise<Stranger> => {
  const random = seededRandom(`${world.seed} yara`);
  const crypto = createSimCrypto(random, null);
  const clock = createDeviceClock(world.clock);
  const here = victim.node()?.current();
  const key = here?.currentKey()?.key;
  if (!here || !key) throw new Error('there is no key to steal');
  const { community } = here.log;
  const { device, rootPublicKey, rootSign } = await createSeededKeyring(
    new TextEncoder().encode(`${world.seed} yara`),
  ).open();
  const now = Math.floor((clock.now() - hlcEpochMs) / 1000);
  const certificate = await issueCertificate(
    {
      root: rootPublicKey,
      device: device.signing.publicKey,
      agreement: device.agreement.publicKey,
      created: now,
      expires: now + certificateLifeSeconds,
    },
    { root: rootSign, device: device.signing.sign },
  );
  const transport = world.network.transport('yara');
  const neighbours = createNeighbours({
    clock,
    random,
    crypto,
    transport,
    self: () => ({ certificate, signing: device.signing, name: 'Yara', build: 'sim' }),
    onRefused: () => {},
  });
  const self = bytesToText(device.signing.publicKey);
  const got = new Set<string>();
  const payloadIds = new Set<string>();

  const hearSync = (bytes: Uint8Array): void => {
    const frame = parseFrame(bytes);
    if (!frame.ok) return;
    const { value } = frame;
    if (value.type === 'update' && value.lane !== authorityLane && value.update.length > 2) got.add('messages');
    if (value.type === 'heads' && value.heads.some(({ lane }) => lane !== authorityLane)) got.add('heads of messages');
    if (value.type === 'receipt') got.add('receipts');
    if (value.type === 'payload') for (const { id } of value.payloads) payloadIds.add(bytesToText(id));
  };
  const hearRpc = (bytes: Uint8Array): void => {
    const frame = parseRpc(bytes);
    if (frame.ok && (frame.value.t === 'done' || frame.value.t === 'item')) got.add('an answer to a call');
    if (frame.ok && frame.value.t === 'presence') got.add('presence');
  };

  /** Her own admission, by herself. */
  const admitSelf = async (): Promise<Uint8Array> => {
    const body = {
      auth: [],
      certificate: certificate.bytes,
      personName: 'Yara',
      inviteHash: random.bytes(32),
      epoch: random.bytes(16),
      sealedKey: random.bytes(80),
    };
    const payload = encodePayload(random, 'community.admit', body);
    const place = {
      community,
      author: device.signing.publicKey,
      lane: authorityLane,
      seq: 0,
      hlc: hlcFromMs(clock.now()),
      kind: kinds['community.admit'].number,
    };
    const event = await signEvent(crypto, device.signing, {
      ...place,
      expires: 0,
      payloadHash: await crypto.sha256(payload),
      payloadSize: payload.length,
    });
    const run = {
      author: self,
      client: clientOf(self, authorityLane),
      start: 0,
      envelopes: [event.envelope],
    };
    return encodeFrame({ type: 'update', lane: authorityLane, update: encodeRuns([run]), isLast: true });
  };

  const tryAll = async (link: Link): Promise<void> => {
    const ids = [...victim.disk.events.values()].flatMap(({ id }) => textToBytes(id) ?? []).slice(-100);
    link.send('sync', await admitSelf());
    link.send(
      'sync',
      encodeFrame({ type: 'ask', lane: monthLane(hlcMonth(hlcFromMs(clock.now()))), clocks: new Map() }),
    );
    link.send('sync', encodeFrame({ type: 'want', ids }));
    link.send(
      'rpc',
      encodeRpc({
        t: 'call',
        id: 1 + (Math.floor(clock.now() / 1_000) % 1_000_000),
        cap: capabilityId(librarySearch),
        input: encodeCbor({ query: 'pump' }),
        params: {},
        deadlineMs: 0,
        trace: 'yara',
        clientId: 'yara',
      }),
    );
  };

  neighbours.links.onUp((link) => {
    // A member who has gone bad can tell whatever she knows; what counts is what honest devices tell.
    if (world.devices.some(({ name, id }) => name === 'mallory' && id === link.peer.device)) return;
    link.onFrame('sync', hearSync);
    link.onFrame('rpc', hearRpc);
    void tryAll(link);
  });
  const week = Math.floor((clock.now() - hlcEpochMs) / (7 * 24 * 3600 * 1000));
  const leave = neighbours.meetCommunity(await communityPlace(crypto, key, week));
  const stopTrying = every(
    clock,
    () => tryEveryMs,
    () => {
      for (const link of neighbours.links.all()) void tryAll(link);
    },
  );
  return {
    stop: async () => {
      stopTrying();
      leave();
      neighbours.stop();
      const messageIds = new Set(
        world.devices.flatMap(({ disk }) =>
          [...disk.events.values()].flatMap(({ id, lane }) => (lane === authorityLane ? [] : id)),
        ),
      );
      for (const id of payloadIds) if (messageIds.has(id)) got.add('a payload of a message');
      return [...got].map((what) => `yara, who only stole the key, has got ${what}`);
    },
  };
};
