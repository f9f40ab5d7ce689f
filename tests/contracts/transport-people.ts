import { bytesToText, utf8, utf8ToText } from '../../src/lib/kernel/ids.ts';
import type { Carrier, Channel, Transport } from '../../src/lib/kernel/ports/transport.ts';
import type { TransportWorld } from './transport-world.ts';

export type Pipe = {
  readonly carrier: Carrier;
  readonly participant: string;
  readonly heard: { channel: Channel; text: string }[];
  readonly ends: string[];
  drains: number;
  listen(): void;
};
export type Person = {
  readonly transport: Transport;
  /** Every carrier ever given, oldest first. */
  readonly pipes: Pipe[];
  /** The newest carrier to somebody. */
  to(participant: string): Pipe | undefined;
  leave(): void;
};
export type PersonOptions = {
  readonly tag?: string;
  readonly key?: number;
  readonly wants?: (participant: string) => boolean;
  readonly isLateListener?: boolean;
};

/** A device of a named person that meets in a place and, like the mesh, wants one carrier to each other participant. */
export const bring = (world: TransportWorld, name: string, options: PersonOptions = {}): Person => {
  const { tag = 'a-tag', key = 1, isLateListener = false } = options;
  const transport = world.transport(name);
  const pipes: Pipe[] = [];
  const isLinked = (participant: string): boolean =>
    pipes.some((pipe) => pipe.participant === participant && pipe.ends.length === 0);
  const wants = options.wants ?? ((participant) => !isLinked(participant));
  const leave = transport.meet({
    tag,
    key: new Uint8Array(32).fill(key),
    selfId: name,
    wants,
    onCarrier: (carrier, participant) => {
      const pipe = makePipe(carrier, participant);
      pipes.push(pipe);
      if (!isLateListener) pipe.listen();
    },
  });
  return { transport, pipes, leave, to: (participant) => pipes.findLast((pipe) => pipe.participant === participant) };
};

const makePipe = (carrier: Carrier, participant: string): Pipe => {
  const pipe: Pipe = {
    carrier,
    participant,
    heard: [],
    ends: [],
    drains: 0,
    listen: () =>
      carrier.listen({
        message: (channel, message) =>
          void pipe.heard.push({ channel, text: utf8ToText(message) ?? bytesToText(message) }),
        drain: () => {
          pipe.drains += 1;
        },
        closed: (reason) => void pipe.ends.push(reason),
      }),
  };
  return pipe;
};

export const say = (pipe: Pipe | undefined, channel: Channel, text: string): boolean =>
  pipe?.carrier.send(channel, utf8(text)) ?? false;

export const textsOn = (pipe: Pipe | undefined, channel: Channel): string[] =>
  (pipe?.heard ?? []).filter((entry) => entry.channel === channel).map(({ text }) => text);
