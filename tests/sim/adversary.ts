import { chatSend } from '../../src/lib/contracts/chat.ts';
import { capabilityId } from '../../src/lib/kernel/bus/capability.ts';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { textToBytes } from '../../src/lib/kernel/ids.ts';
import type { Bytes, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import { randomInt, type Random } from '../../src/lib/kernel/ports/random.ts';
import type { Carrier } from '../../src/lib/kernel/ports/transport.ts';
import { monthLane, signEvent } from '../../src/lib/log/event.ts';
import { encodePayload, kinds } from '../../src/lib/log/kinds.ts';
import { signReceipt } from '../../src/lib/log/receipts.ts';
import { encodeRpc } from '../../src/lib/mesh/rpc-frames.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { encodeRuns } from '../../src/lib/replica/canonical.ts';
import { encodeFrame, parseFrame } from '../../src/lib/replica/frames.ts';
import { createSeededKeyring } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import type { SimDevice, WrapCarrier } from './device.ts';
import { createSimCrypto } from './sim-crypto.ts';
import { tellStory, wholeFrame, type Heard } from './two-stories.ts';
import type { World } from './world.ts';

export const forgedText = 'forged by mallory';

const attackChance = 0.12;
const heardMax = 64;

type Scene = {
  readonly world: World;
  readonly random: Random;
  readonly heard: readonly Heard[];
  readonly signing: SigningKey;
  readonly victim: () => SimDevice | undefined;
};
type Attack = (scene: Scene) => Promise<Heard | null>;

/**
 * A member who has gone bad: her node runs the same code, and after Hello her carriers say more than it does. What they
 * add is chosen by the seed: forged, replayed, damaged, in another's name, at another's place.
 */
export const createAdversary = (
  world: World,
): {
  readonly wrapCarrier: WrapCarrier;
  begin(): void;
  count(): number;
  /** Signs two events for the next place of her month and tells one to half of her neighbours, the other to the rest; false when she has too few. */
  equivocate(): Promise<boolean>;
} => {
  let hasBegun = false;
  let attacksMade = 0;
  const heard: Heard[] = [];
  const carriers = new Set<Carrier>();
  const random = seededRandom(`${world.seed} mallory attacks`);
  const signing = createSeededKeyring(new TextEncoder().encode(`${world.seed} mallory`))
    .open()
    .then(({ device }) => device.signing);
  const victim = (): SimDevice | undefined => {
    const others = world.devices.filter(({ name, disk }) => name !== 'mallory' && disk.events.size > 0);
    return others[randomInt(random, Math.max(1, others.length))];
  };

  const attack = async (carrier: Carrier): Promise<void> => {
    const choose = attacks[randomInt(random, attacks.length)];
    const made = await choose?.({ world, random, heard, signing: await signing, victim });
    attacksMade += 1;
    if (made) carrier.send(made.channel, made.message);
  };

  const wrapCarrier: WrapCarrier = (inner) => {
    let helloLeft = inner.isOfferer ? 2 : 1;
    const carrier: Carrier = {
      ...inner,
      send: (channel, message) => {
        const isSent = inner.send(channel, message);
        if (helloLeft > 0) helloLeft -= channel === 'sync' ? 1 : 0;
        else if (hasBegun && randomInt(random, 1_000) < attackChance * 1_000) void attack(inner);
        return isSent;
      },
      listen: (handlers) =>
        inner.listen({
          ...handlers,
          closed: (reason) => {
            carriers.delete(inner);
            handlers.closed(reason);
          },
          message: (channel, message) => {
            if (helloLeft === 0) carriers.add(inner);
            if (helloLeft === 0 && heard.push({ channel, message: message.slice() }) > heardMax) heard.shift();
            handlers.message(channel, message);
          },
        }),
    };
    return carrier;
  };
  return {
    wrapCarrier,
    /** She behaves until everybody is in. */
    begin: () => {
      hasBegun = true;
    },
    count: () => attacksMade,
    equivocate: async () => {
      const mallory = world.devices.find(({ name }) => name === 'mallory');
      const log = mallory?.node()?.current()?.log;
      const listeners = [...carriers];
      if (!mallory || !log || listeners.length < 2) return false;
      const lane = monthLane(hlcMonth(hlcFromMs(world.clock.now())));
      const place = { lane, seq: log.next(mallory.id, lane), hlc: hlcFromMs(world.clock.now()) };
      const stories = [
        await tellStory(log.community, await signing, random, place),
        await tellStory(log.community, await signing, random, place),
      ];
      for (const [at, carrier] of listeners.entries())
        for (const { channel, message } of stories[at % 2] ?? []) carrier.send(channel, message);
      return true;
    },
  };
};

const anyHeard = ({ heard, random }: Scene): Heard | null =>
  heard[randomInt(random, Math.max(1, heard.length))] ?? null;

const replay: Attack = async (scene) => anyHeard(scene);

const damage: Attack = async (scene) => {
  const taken = anyHeard(scene);
  if (!taken) return null;
  const message = taken.message.slice(0, 1 + randomInt(scene.random, taken.message.length));
  for (let flips = randomInt(scene.random, 4); flips >= 0; flips--) {
    const at = randomInt(scene.random, message.length);
    message[at] = (message[at] ?? 0) ^ (1 << randomInt(scene.random, 8));
  }
  return { channel: taken.channel, message };
};

/** An update she heard, said of another lane. */
const moveLane: Attack = async (scene) => {
  for (const { channel, message } of scene.heard.toReversed()) {
    if (channel !== 'sync' || message[0] !== 0) continue;
    const frame = parseFrame(message.subarray(1));
    if (frame.ok && frame.value.type === 'update' && frame.value.update.length > 2) {
      return wholeFrame(
        'sync',
        encodeFrame({ ...frame.value, lane: randomInt(scene.random, 2) === 0 ? 0 : frame.value.lane + 1 }),
      );
    }
  }
  return null;
};

/** A message of her victim's, at its right place, signed by herself. */
const forge: Attack = async ({ world, random, signing, victim }) => {
  const crypto = createSimCrypto(random, null);
  const target = victim();
  const log = target?.node()?.current()?.log;
  const author = target && textToBytes(target.id);
  if (!target || !log || !author) return null;
  const payload = encodePayload(random, 'chat.message', {
    to: 'everyone',
    text: forgedText,
    clientId: random.bytes(16),
  });
  const hlc = hlcFromMs(world.clock.now());
  const lane = monthLane(hlcMonth(hlc));
  const header = {
    community: log.community,
    author,
    lane,
    seq: log.next(target.id, lane),
    hlc,
    kind: kinds['chat.message'].number,
    expires: 0,
  };
  const event = await signEvent(crypto, signing, {
    ...header,
    payloadHash: await crypto.sha256(payload),
    payloadSize: payload.length,
  });
  const run = {
    author: target.id,
    client: clientOf(target.id, lane),
    start: header.seq,
    envelopes: [event.envelope],
  };
  return wholeFrame(
    'sync',
    encodeFrame({ type: 'update', lane, update: encodeRuns([run]), isLast: randomInt(random, 2) === 0 }),
  );
};

/** Yjs bytes that are no log: a delete set, rubbish, a huge count. */
const strangeUpdate: Attack = async ({ random }) => {
  const kindsOfBytes: Bytes[] = [
    Uint8Array.of(0, 1, 5, 1, 0, 9),
    random.bytes(40),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  ];
  const update = kindsOfBytes[randomInt(random, kindsOfBytes.length)] ?? Uint8Array.of(0, 0);
  return wholeFrame('sync', encodeFrame({ type: 'update', lane: randomInt(random, 30), update, isLast: true }));
};

const wrongPayload: Attack = async ({ random, victim }) => {
  const ids = [...(victim()?.disk.events.values() ?? [])].map(({ id }) => textToBytes(id)).filter((id) => id !== null);
  const payloads = ids.slice(-8).map((id) => ({ id, payload: random.bytes(60) }));
  return wholeFrame('sync', encodeFrame({ type: 'payload', payloads }));
};

/** "My victim holds everything", in the victim's name. */
const falseReceipt: Attack = async ({ world, signing, victim }) => {
  const target = victim();
  const here = target?.node()?.current();
  const publicKey = target && textToBytes(target.id);
  if (!here || !publicKey) return null;
  const nextByPlace = new Map(here.log.heads().map(({ author, lane, next }) => [`${author} ${lane}`, next + 5]));
  const receipt = await signReceipt(
    { ...signing, publicKey },
    { community: here.log.community, hlc: hlcFromMs(world.clock.now()) + 1, nextByPlace },
  );
  return wholeFrame('sync', encodeFrame({ type: 'receipt', receipt: receipt.bytes }));
};

/** Heads that nobody has, of lanes that do not exist. */
const boast: Attack = async ({ random, victim }) => {
  const author = textToBytes(victim()?.id ?? '');
  if (!author) return null;
  const heads = Array.from({ length: 1 + randomInt(random, 6) }, () => ({
    author,
    lane: randomInt(random, 60),
    next: 1 + randomInt(random, 0xffff),
    digest: random.bytes(32),
  }));
  return wholeFrame('sync', encodeFrame({ type: 'heads', heads }));
};

/** Has her victim's device speak: `chat.send` is for the device's own person only. */
const speakForOther: Attack = async ({ random }) => {
  const input = { to: 'everyone', text: forgedText, clientId: 'AAAAAAAAAAAAAAAAAAAAAA' };
  return wholeFrame(
    'rpc',
    encodeRpc({
      t: 'call',
      id: 1_000_000 + randomInt(random, 1_000_000),
      cap: capabilityId(chatSend),
      input: encodeCbor(input),
      params: {},
      deadlineMs: 0,
      trace: 'mallory',
      clientId: 'mallory',
    }),
  );
};

const rubbishCall: Attack = async ({ random }) => wholeFrame('rpc', random.bytes(1 + randomInt(random, 200)));

const attacks: readonly Attack[] = [
  replay,
  replay,
  damage,
  damage,
  moveLane,
  forge,
  forge,
  strangeUpdate,
  wrongPayload,
  falseReceipt,
  boast,
  speakForOther,
  rubbishCall,
];
