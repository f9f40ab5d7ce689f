import { spawn } from 'node:child_process';
import { decodeCbor, encodeCbor, isCborMap, type Cbor } from '../../src/lib/kernel/codec.ts';
import { frameOf, readMessages } from './framing.ts';

export type ReplyMap = { readonly [name: string]: Cbor };
/** What came back: a map, or why there was none (the process ended, was silent for too long, or said something that is no reply). */
export type Heard = { readonly reply: ReplyMap } | { readonly silence: string };

export type Implementation = {
  /** Asks with the next id and gives the reply to exactly that. */
  ask(request: ReplyMap): Promise<Heard>;
  /** Asks many things at once; replies come in the order of the questions. */
  askAll(requests: readonly ReplyMap[]): Promise<Heard[]>;
  /** Sends these bytes as they are, the length in front included, and gives the next reply. */
  sendRaw(bytes: Uint8Array): Promise<Heard>;
  /** Ends its stdin, sends `last` before it, and gives the reply to that and how the process ended. */
  finish(last?: Uint8Array): Promise<{ readonly last: Heard | null; readonly ended: string }>;
};

const atOnce = 32;

/** Starts another implementation and speaks with it over its pipes; what it says on stderr goes to ours. */
export const startImplementation = (command: readonly string[], patienceMs: number): Implementation => {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve) => {
    child.on('error', ({ message }) => resolve(message));
    child.on('close', (code, signal) => resolve(signal === null ? `code ${code ?? 1}` : `signal ${signal}`));
  });
  // A process that has left is noticed by its silence; writing to it is no failure of ours.
  child.stdin.on('error', () => {});
  const parts = readMessages(child.stdout);
  let nextId = 1;

  const patiently = async <T>(work: Promise<T>, orElse: T): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<T>((resolve) => (timer = setTimeout(resolve, patienceMs, orElse)));
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  };

  const hear = async (): Promise<Heard> => {
    const silent = { silence: `no reply within ${patienceMs} ms` };
    const part = await patiently<Awaited<ReturnType<typeof parts.next>> | null>(parts.next(), null);
    if (part === null) {
      child.kill('SIGKILL');
      return silent;
    }
    if (part.done) return { silence: `the process ended with ${await ended}` };
    if (part.value.kind !== 'message') return { silence: `the reply was ${part.value.kind}` };
    const decoded = decodeCbor(part.value.bytes);
    return decoded.ok && isCborMap(decoded.value) ? { reply: decoded.value } : { silence: 'the reply was no CBOR map' };
  };

  const sendRaw = (bytes: Uint8Array): Promise<Heard> => {
    child.stdin.write(bytes);
    return hear();
  };

  const send = (request: ReplyMap): number => {
    const id = nextId++;
    child.stdin.write(frameOf(encodeCbor({ ...request, id })));
    return id;
  };
  const hearFor = async (id: number): Promise<Heard> => {
    const heard = await hear();
    if ('silence' in heard || heard.reply['id'] === id) return heard;
    return { silence: `the reply had the id ${JSON.stringify(heard.reply['id'] ?? null)}, not ${id}` };
  };

  return {
    sendRaw,
    ask: (request) => hearFor(send(request)),
    askAll: async (requests) => {
      const heard: Heard[] = [];
      for (let at = 0; at < requests.length; at += atOnce)
        for (const id of requests.slice(at, at + atOnce).map(send)) heard.push(await hearFor(id));
      return heard;
    },
    finish: async (last) => {
      child.stdin.end(last);
      const heard = last ? await hear() : null;
      const how = await patiently(ended, 'nothing: it still runs');
      if (child.exitCode === null) child.kill('SIGKILL');
      return { last: heard, ended: how };
    },
  };
};
