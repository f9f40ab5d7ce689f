import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { WebSocket } from 'ws';
import { unwrap } from '../../src/lib/kernel/result.ts';
import {
  encodeMeshRequest,
  joinMessage,
  openMessage,
  parseMeshAnswer,
  type Bytes,
  type MeshAnswer,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';

/** A client of `/mesh` as the tests drive it: a real socket, real keys, frames that can be awaited. */
export type MeshClient = {
  readonly socket: WebSocket;
  readonly nonce: Bytes;
  readonly host: string;
  send(request: MeshRequest | Buffer | string): void;
  /** The next answer that has not been taken yet. */
  next(): Promise<MeshAnswer>;
  /** The next answer of that type; fails on another. */
  expect<T extends MeshAnswer['type']>(type: T): Promise<Extract<MeshAnswer, { type: T }>>;
  readonly closed: Promise<{ code: number; reason: string }>;
  close(): Promise<void>;
};

export type TestKey = { readonly id: Bytes; sign(message: Uint8Array): Bytes };

export const makeKey = (): TestKey => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { id: rawOf(publicKey), sign: (message) => Uint8Array.from(sign(null, message, privateKey)) };
};

const rawOf = (key: KeyObject): Bytes => Uint8Array.from(key.export({ format: 'der', type: 'spki' }).subarray(-32));

export const someBytes = (length: number): Bytes => Uint8Array.from(randomBytes(length));
export const textBytes = (text: string): Bytes => Uint8Array.from(Buffer.from(text));

/** Opens the socket and takes the challenge; nothing is joined yet. */
export const dialMesh = async (
  url: string,
  options: { headers?: Record<string, string>; localAddress?: string } = {},
): Promise<MeshClient> => {
  const socket = new WebSocket(url, options);
  const waiting: MeshAnswer[] = [];
  const takers: ((answer: MeshAnswer) => void)[] = [];
  socket.on('message', (data) => {
    const answer = unwrap(parseMeshAnswer(data as Buffer));
    const taker = takers.shift();
    if (taker) taker(answer);
    else waiting.push(answer);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  // From here on a broken socket shows as its close code.
  socket.on('error', () => socket.terminate());
  const next = (): Promise<MeshAnswer> => {
    const answer = waiting.shift();
    return answer === undefined ? new Promise((resolve) => void takers.push(resolve)) : Promise.resolve(answer);
  };
  const expectType = async <T extends MeshAnswer['type']>(type: T): Promise<Extract<MeshAnswer, { type: T }>> => {
    const answer = await next();
    if (!isOfType(answer, type)) throw new Error(`expected ${type}, heard ${JSON.stringify(answer)}`);
    return answer;
  };
  const { nonce } = await expectType('challenge');
  return {
    socket,
    nonce,
    host: new URL(url).host,
    send: (request) =>
      socket.send(typeof request === 'string' || Buffer.isBuffer(request) ? request : encodeMeshRequest(request)),
    next,
    expect: expectType,
    closed,
    close: async () => {
      socket.close();
      await closed;
    },
  };
};

const isOfType = <T extends MeshAnswer['type']>(
  answer: MeshAnswer,
  type: T,
): answer is Extract<MeshAnswer, { type: T }> => answer.type === type;

export const joinRequest = (client: MeshClient, key: TestKey, host = client.host): MeshRequest => ({
  type: 'join',
  key: key.id,
  signature: key.sign(joinMessage(client.nonce, host)),
});

export const openRequest = (client: MeshClient, box: TestKey): MeshRequest => ({
  type: 'open',
  box: box.id,
  signature: box.sign(openMessage(client.nonce, client.host, box.id)),
});

/** Somebody who has proven a key and stands at the tags. */
export const joinMesh = async (
  url: string,
  {
    key = makeKey(),
    tags = [],
    boxes = [],
    localAddress,
  }: { key?: TestKey; tags?: readonly Bytes[]; boxes?: readonly TestKey[]; localAddress?: string } = {},
): Promise<MeshClient & { readonly id: Bytes; readonly joined: Extract<MeshAnswer, { type: 'joined' }> }> => {
  const client = await dialMesh(url, localAddress === undefined ? {} : { localAddress });
  client.send(joinRequest(client, key));
  const joined = await client.expect('joined');
  for (const tag of tags) {
    client.send({ type: 'meet', tag });
    await client.expect('met');
  }
  for (const box of boxes) client.send(openRequest(client, box));
  return { ...client, id: joined.id, joined };
};
