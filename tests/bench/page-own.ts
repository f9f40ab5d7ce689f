import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { platformRandom as random } from '../../src/lib/node/platform.ts';
import { openBenchNode, type BenchNode } from './bench-node.ts';

/** A page for `bench sync`: a whole node whose log the bench writes and compares. */
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
