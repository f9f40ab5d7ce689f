import { failure, type Failure } from '../kernel/errors.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { BoxKey, Mailbox, Mailboxes } from '../kernel/ports/mailbox.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { MeshRequest } from '../kernel/wire/mesh-wire.ts';
import type { MeshServer } from './mesh-server.ts';
import type { MeshServers } from './mesh-servers.ts';
import type { MeshNews } from './mesh-socket.ts';

/** The boxes of every connected server that keeps mail. A box is opened once a connection, with proof of its key. */
export const createMeshMailboxes = (clock: Clock, servers: MeshServers): Mailboxes => {
  const listeners = new Set<(mailbox: Mailbox) => void>();
  const mailboxesByServer = new Map<MeshServer, Mailbox>();
  servers.onServer((server) => {
    const mailbox = createMailbox(clock, server);
    mailboxesByServer.set(server, mailbox);
    const stop = server.onNews((news) => {
      if (news === 'joined' && keepsMail(server)) for (const listener of [...listeners]) listener(mailbox);
    });
    return () => {
      stop();
      mailboxesByServer.delete(server);
    };
  });
  return {
    all: () => servers.open().flatMap((server) => (keepsMail(server) ? (mailboxesByServer.get(server) ?? []) : [])),
    onOpen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};

const keepsMail = (server: MeshServer): boolean => server.joined()?.features.mailbox === true;

type Answer = Extract<MeshNews, { type: 'kept' | 'mail' | 'refused' }>;
type Numbered = Extract<MeshRequest, { type: 'put' | 'take' }>;

const createMailbox = (clock: Clock, server: MeshServer): Mailbox => {
  const waiting = new Map<number, (answer: Answer | null) => void>();
  let opened = new Map<string, Promise<boolean>>();
  let lastNumber = 0;
  server.onNews((news) => {
    if (news === 'joined' || news === 'lost') {
      opened = new Map();
      for (const settle of [...waiting.values()]) settle(null);
    } else if (news.type === 'kept' || news.type === 'mail' || news.type === 'refused')
      waiting.get(news.request)?.(news);
  });

  const openBox = async (box: BoxKey): Promise<boolean> => {
    const socket = server.socket();
    const challenge = socket?.boxChallenge(box.id);
    if (!socket || !challenge) return false;
    const signature = await box.sign(challenge);
    return server.socket() === socket && socket.send({ type: 'open', box: box.id, signature });
  };
  const ensureOpen = (box: BoxKey): Promise<boolean> => {
    const name = bytesToText(box.id);
    const before = opened;
    const opening = opened.get(name) ?? openBox(box);
    opened.set(name, opening);
    return opening.then((isOpen) => {
      if (!isOpen) before.delete(name);
      return isOpen;
    });
  };
  const ask = async (box: BoxKey, request: (n: number) => Numbered): Promise<Result<Answer, Failure>> => {
    const lost = err(failure('unavailable', 'relay-lost'));
    if (waiting.size >= limits.mailRequestsMax) return err(failure('rate_limited', 'relay-busy', limits.relayBusyMs));
    if (!(await ensureOpen(box))) return lost;
    const number = (lastNumber = (lastNumber % 0x7fff_ffff) + 1);
    return new Promise((resolve) => {
      const settle = (answer: Answer | null): void => {
        cancel();
        waiting.delete(number);
        if (answer === null) resolve(lost);
        else if (answer.type === 'refused') resolve(err(failure(answer.code, answer.reason, answer.retryAfterMs)));
        else resolve(ok(answer));
      };
      const cancel = clock.after(limits.mailAnswerMs, () => settle(null));
      waiting.set(number, settle);
      if (server.socket()?.send(request(number)) !== true) settle(null);
    });
  };
  return {
    url: server.url,
    put: async (box, item, keepMs) => {
      const keepSeconds = Math.min(Math.ceil(keepMs / 1000), limits.mailKeepMs / 1000);
      const answer = await ask(box, (request) => ({ type: 'put', request, box: box.id, keepSeconds, item }));
      if (!answer.ok) return answer;
      return answer.value.type === 'kept' ? ok(null) : err(failure('internal', 'relay-answer'));
    },
    take: async (box, cursor) => {
      const most = limits.mailItemsPerTakeMax;
      const answer = await ask(box, (request) => ({ type: 'take', request, box: box.id, cursor, most }));
      if (!answer.ok) return answer;
      return answer.value.type === 'mail' ? ok(answer.value) : err(failure('internal', 'relay-answer'));
    },
  };
};
