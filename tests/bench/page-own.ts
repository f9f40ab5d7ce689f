import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { createWebcryptoKeyring } from '../../src/lib/crypto/webcrypto-keyring.ts';
import { bytesToText, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Store } from '../../src/lib/kernel/ports/store.ts';
import { createNode } from '../../src/lib/node/create-node.ts';
import { platformClock as clock, platformRandom as random } from '../../src/lib/node/platform.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { createSearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { createSignalClient } from '../../src/lib/transports/signal-client.ts';
import { serveRtcHost } from '../../src/lib/transports/webrtc-host.ts';
import { createRtcHostPort } from '../../src/lib/transports/webrtc-port.ts';
import { createWebrtcTransport } from '../../src/lib/transports/webrtc.ts';
import { openNodeBlobs } from '../../src/lib/node/open-node-blobs.ts';

/**
 * A page for `bench sync` only, never part of the app: the whole node with the adapters that the app uses (IndexedDB,
 * WebCrypto, WebRTC), but where the bench can read its log. It runs on the page, where the app has a worker.
 */
const openBenchNode = async (signalUrl: string) => {
  const opened = await openIdbStore({ name: 'bench', onLost: () => undefined });
  if (!opened.ok) throw new Error(opened.error);
  let isFilling = false;
  const store: Store = {
    ...opened.value,
    commit: (commit, durability) => opened.value.commit(commit, isFilling ? 'relaxed' : durability),
  };
  const webCrypto = createWebCrypto();
  const { port1, port2 } = new MessageChannel();
  serveRtcHost(port1);
  const signal = createSignalClient({ clock, random, Socket: WebSocket, url: signalUrl });
  const node = await createNode({
    crypto: webCrypto,
    keyring: createWebcryptoKeyring({ store, random, crypto: webCrypto, subtle: crypto.subtle }),
    clock,
    random,
    store,
    blobs: await openNodeBlobs({ crypto: webCrypto, clock, random }),
    transport: createWebrtcTransport({ clock, random, signal, host: createRtcHostPort(port2) }),
    search: createSearchRoom({ loadStemmer, now: () => performance.now() }),
    documents: createDocumentRoom(),
    fetchStatic: async (path) => (path === 'library/index.json' ? utf8('{"guides":[]}') : null),
    build: 'bench',
    defaultSignalUrl: signalUrl,
    isStoragePersisted: async () => false,
  });
  await node.start();
  return { ...node, setFilling: (isOn: boolean): void => void (isFilling = isOn) };
};

type BenchNode = Awaited<ReturnType<typeof openBenchNode>>;

const control = ({ bus, current, setFilling }: BenchNode) => {
  const log = () => {
    const here = current();
    if (!here) throw new Error('in no neighbourhood');
    return here.log;
  };
  return {
    found: async (name: string): Promise<boolean> =>
      (await bus.call(communityFound, { name, communityName: 'Bench' })).ok,
    invite: async (): Promise<string> => {
      const invited = await bus.call(communityInvite, { onPaper: false });
      if (!invited.ok) throw new Error(invited.error.reason);
      return invited.value.output.code;
    },
    join: async (name: string, invite: string): Promise<boolean> =>
      (await bus.call(communityJoin, { name, invite })).ok,
    untilDoor: async (): Promise<void> => {
      for await (const { waiting } of bus.stream(communityMembers, {})) if (waiting.length > 0) return;
    },
    /** Lets in who stands at the door, or comes next. */
    admitNext: async (): Promise<boolean> => {
      for await (const { waiting } of bus.stream(communityMembers, {})) {
        const [door] = waiting;
        if (door) return (await bus.call(communityAdmit, { request: door.request, accept: true })).ok;
      }
      return false;
    },
    /** While it is on, what is written is not flushed to disk event by event: for a log that only has to be there. */
    setFilling,
    /** Straight to the log: the room's view is not what is measured. Resolves with the bytes of all payloads. */
    write: async (count: number, chars: number): Promise<number> => {
      let bytes = 0;
      for (let at = 0; at < count; at++) {
        const text = `${at} `.padEnd(chars, 'abcdefgh ijklmnop ');
        const written = await log().append('chat.message', { to: 'everyone', text, clientId: random.bytes(16) });
        if (!written.ok) throw new Error(written.error);
        bytes += written.value.event.header.payloadSize;
      }
      return bytes;
    },
    /** Every place with the digest over its event ids; '' while a payload is missing. */
    state: (): string => {
      const here = current()?.log;
      if (!here || here.missingPayloads(1).length > 0) return '';
      const heads = here
        .heads()
        .map(({ author, lane, next, digest }) => `${author} ${lane} ${next} ${bytesToText(digest)}`);
      return heads.sort().join('\n');
    },
  };
};

const start = async (signalUrl: string) => control(await openBenchNode(signalUrl));
export type OwnPage = Awaited<ReturnType<typeof start>>;
Object.assign(globalThis, { startOwn: start });
