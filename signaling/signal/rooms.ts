import { limits } from '../../src/lib/kernel/wire/signal.ts';

/** Who listens to which topic. Pure bookkeeping: no sockets, no time, and an empty topic is forgotten at once. */
export type Rooms<Member> = {
  /** Takes topics in order while they fit; names the bound that left the rest out, or null when all are in. */
  subscribe(member: Member, topics: readonly string[]): TopicsBound | null;
  unsubscribe(member: Member, topics: readonly string[]): void;
  isSubscribed(member: Member, topic: string): boolean;
  /** Everyone in the topic, a publisher who subscribed to it included (as y-webrtc's server does). */
  receivers(topic: string): ReadonlySet<Member>;
  /** The member is gone from every topic. */
  leave(member: Member): void;
  topicCount(): number;
};

export type TopicsBound = 'topics-per-connection' | 'topics-total';

export const createRooms = <Member>(): Rooms<Member> => {
  const membersByTopic = new Map<string, Set<Member>>();
  const topicsByMember = new Map<Member, Set<string>>();
  const nobody: ReadonlySet<Member> = new Set<Member>();

  const join = (member: Member, topic: string): TopicsBound | null => {
    const topics = topicsByMember.get(member) ?? new Set<string>();
    if (topics.has(topic)) return null;
    if (topics.size >= limits.signalTopicsPerConnectionMax) return 'topics-per-connection';
    const members = membersByTopic.get(topic);
    if (members === undefined && membersByTopic.size >= limits.signalTopicsMax) return 'topics-total';
    membersByTopic.set(topic, (members ?? new Set<Member>()).add(member));
    topicsByMember.set(member, topics.add(topic));
    return null;
  };

  const part = (member: Member, topic: string): void => {
    const members = membersByTopic.get(topic);
    members?.delete(member);
    if (members?.size === 0) membersByTopic.delete(topic);
    const topics = topicsByMember.get(member);
    topics?.delete(topic);
    if (topics?.size === 0) topicsByMember.delete(member);
  };

  return {
    subscribe: (member, topics) => {
      for (const topic of topics) {
        const bound = join(member, topic);
        if (bound !== null) return bound;
      }
      return null;
    },
    unsubscribe: (member, topics) => {
      for (const topic of topics) part(member, topic);
    },
    isSubscribed: (member, topic) => topicsByMember.get(member)?.has(topic) ?? false,
    receivers: (topic) => membersByTopic.get(topic) ?? nobody,
    leave: (member) => {
      for (const topic of topicsByMember.get(member) ?? []) part(member, topic);
    },
    topicCount: () => membersByTopic.size,
  };
};
