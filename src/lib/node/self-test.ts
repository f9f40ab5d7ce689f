import { openCommunityKey, sealCommunityKey } from '../crypto/community-key.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { SearchRoomPort } from '../kernel/ports/search.ts';
import type { Store } from '../kernel/ports/store.ts';
import type { Transport } from '../kernel/ports/transport.ts';
import { meshPing } from '../contracts/mesh.ts';
import type { Bus } from '../kernel/bus.ts';
import { parseEvent, verifyEvent } from '../log/event.ts';
import type { SelfTestStep } from '../services/node.ts';
import type { Device } from './device.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

export type SelfTestDeps = {
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly store: Store;
  readonly search: SearchRoomPort;
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
  { name: 'log', run: () => logVerifies(deps) },
  { name: 'search', run: () => searchFinds(deps) },
  {
    name: 'signalling',
    run: async () => proof(deps.transport.state().signalling.state === 'open', deps.transport.state().signalling.state),
  },
  { name: 'bus', run: () => busAnswers(deps) },
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
