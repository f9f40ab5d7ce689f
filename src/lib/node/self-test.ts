import { blobsKeep, documentsMerge } from './self-test-rooms.ts';
import { openCommunityKey, sealCommunityKey } from '../crypto/community-key.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { DocumentRoomPort } from '../kernel/ports/documents.ts';
import type { Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { librarySearch } from '../contracts/library.ts';
import { meshPing } from '../contracts/mesh.ts';
import { nodeSelfTest } from '../contracts/node.ts';
import { signToken } from '../crypto/token.ts';
import { createTokenJudge } from '../crypto/token-judge.ts';
import type { AnyCapability } from '../kernel/bus/call.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import { parseEvent, verifyEvent } from '../log/event.ts';
import type { SelfTestStep } from '../services/node.ts';
import type { Device } from './device.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

export type SelfTestDeps = {
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly store: Store;
  readonly blobs: Blobs;
  readonly search: SearchRoomPort;
  readonly documents: DocumentRoomPort;
  readonly transport: Transport;
  readonly device: () => Device;
  readonly holder: NeighbourhoodHolder;
  readonly links: Links;
  readonly bus: Bus;
};

/** What "it works" means, module by module, done now on this device: nothing is remembered and nothing is assumed. */
export const selfTestSteps = (deps: SelfTestDeps): SelfTestStep[] => [
  { name: 'storage', run: () => storageKeeps(deps) },
  { name: 'identity', run: () => keysSign(deps) },
  { name: 'crypto', run: () => sealsOpen(deps) },
  { name: 'tokens', run: () => tokensStand(deps) },
  { name: 'log', run: () => logVerifies(deps) },
  { name: 'blobs', run: () => blobsKeep(deps) },
  { name: 'search', run: () => searchFinds(deps) },
  { name: 'documents', run: () => documentsMerge(deps) },
  {
    name: 'signalling',
    run: async () => proof(deps.transport.state().signalling.state === 'open', deps.transport.state().signalling.state),
  },
  { name: 'bus', run: () => busAnswers(deps) },
  { name: 'gates', run: () => gatesRefuse(deps) },
  { name: 'mesh', run: () => neighboursAnswer(deps) },
];

const proof = (ok: boolean, detail: string) => ({ ok, detail });

const storageKeeps = async ({ store, random }: SelfTestDeps) => {
  const value = bytesToText(random.bytes(16));
  const written = await store.commit({ kv: [{ key: 'self-test', value }] }, 'strict');
  const read = await store.get('self-test');
  return proof(written.ok && read === value, written.ok ? 'write, read, compare' : written.error);
};

const keysSign = async ({ crypto, device, random }: SelfTestDeps) => {
  const message = random.bytes(64);
  const { signing } = device().keys;
  const signature = await signing.sign(message);
  const isOwn = await crypto.verify(signing.publicKey, message, signature);
  message[0] = (message[0] ?? 0) ^ 1;
  return proof(
    isOwn && !(await crypto.verify(signing.publicKey, message, signature)),
    'sign, verify, refuse a changed message',
  );
};

/** Seals, opens, and refuses what was changed or is for somebody else. */
const sealsOpen = async ({ crypto, device, random }: SelfTestDeps) => {
  const community = random.bytes(16);
  const key = random.bytes(32);
  const { agreement } = device().keys;
  const sealed = await sealCommunityKey(crypto, key, agreement.publicKey, community);
  if (!sealed) return proof(false, 'could not seal');
  const opened = await openCommunityKey(crypto, agreement, sealed, community);
  const elsewhere = await openCommunityKey(crypto, agreement, sealed, random.bytes(16));
  return proof(
    opened !== null && areBytesEqual(opened, key) && elsewhere === null,
    'seal, open, refuse a foreign seal',
  );
};

const busAnswers = async ({ bus, device }: SelfTestDeps) => {
  const reply = await bus.call(meshPing, { nonce: 7 }, { device: device().device });
  return proof(
    reply.ok && reply.value.output.nonce === 7 && reply.value.meta.route === 'local',
    reply.ok ? 'a call through both gates' : reply.error.reason,
  );
};

/** Whoever is not of this device gets nothing that is its own, and nobody gets an unknown input past the schema. */
const gatesRefuse = async ({ bus, random }: SelfTestDeps) => {
  const stranger = { kind: 'device', device: bytesToText(random.bytes(32)) } as const;
  const refusal = async (capability: unknown, input: unknown): Promise<string> =>
    (await bus.judge(stranger, capability as AnyCapability, input))?.code ?? 'let in';
  const own = await refusal(nodeSelfTest, {});
  const member = await refusal(librarySearch, { query: 'water' });
  const malformed = await refusal(meshPing, { nonce: 'seven' });
  return proof(
    own === 'forbidden' && member === 'unauthorized' && malformed === 'schema_mismatch',
    `a stranger: ${own}, ${member}; a wrong input: ${malformed}`,
  );
};

/** Signs a token for this device and judges it: it stands for it, for no other, and not once it is over. */
const tokensStand = async ({ crypto, device, random }: SelfTestDeps) => {
  const { signing } = device().keys;
  const place = { community: random.bytes(16), epoch: random.bytes(16) };
  let now = 1_000;
  const judge = createTokenJudge(crypto, {
    community: () => place.community,
    epoch: () => place.epoch,
    nowSeconds: () => now,
    isRevoked: () => false,
  });
  const token = await signToken(signing, [], {
    ...place,
    audience: signing.publicKey,
    command: meshPing.name,
    policy: {},
    nonce: random.bytes(12),
    notBefore: now,
    expires: now + 60,
  });
  const question = { audience: bytesToText(signing.publicKey), command: meshPing.name, holdsRight: () => true };
  const isGood = (await judge(token, question)).ok;
  const isForOther = (await judge(token, { ...question, audience: bytesToText(random.bytes(32)) })).ok;
  now += 60;
  const isAfter = (await judge(token, question)).ok;
  return proof(isGood && !isForOther && !isAfter, 'sign, judge, refuse a foreign holder and what is over');
};

/** Verifies the newest stored events again, from their bytes. */
const logVerifies = async ({ crypto, holder }: SelfTestDeps) => {
  const log = holder.current()?.log;
  if (!log) return proof(true, 'no neighbourhood yet');
  const newest = [...log.all()].slice(-50);
  for (const { event } of newest) {
    const parsed = await parseEvent(crypto, event.envelope);
    if (!parsed.ok || !(await verifyEvent(crypto, parsed.value)).ok)
      return proof(false, `event ${event.id.slice(0, 8)} does not verify`);
  }
  return proof(true, `${newest.length} of ${log.size} events verified again`);
};

const searchFinds = async ({ search }: SelfTestDeps) => {
  const { passages } = await search.search({ query: 'water Wasser', k: 1 });
  return proof(passages.length > 0, passages[0]?.title ?? 'nothing found');
};

const neighboursAnswer = async ({ links, bus }: SelfTestDeps) => {
  const linked = links.all();
  const answers = await Promise.all(
    linked.map(({ peer }) => bus.call(meshPing, { nonce: 1 }, { device: peer.device })),
  );
  const answered = answers.filter(({ ok }) => ok).length;
  return proof(answered === linked.length, `${answered} of ${linked.length} linked neighbours answered`);
};
