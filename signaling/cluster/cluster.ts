import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Exchange } from '../exchange.ts';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import { createClusterExchange, type ClusterExchange, type ExchangeFacts } from './cluster-exchange.ts';
import { createRedis } from './redis.ts';
import { createStreamMail, type MailGuarantee, type StreamMail } from './stream-mail.ts';

/** This server as one of several that share a Redis: the same people, tags and mailboxes whichever of them is dialled. */
export type Cluster = {
  readonly exchange: ClusterExchange;
  readonly mail: StreamMail;
  facts(): ClusterFacts;
  /** Reaches for Redis from now on, for as long as it takes; nothing waits for it. */
  start(): void;
  /** Stops the exchange and the mail too. */
  stop(): Promise<void>;
};

export type ClusterFacts = ExchangeFacts & { readonly state: 'joined' | 'lost'; readonly mail: MailGuarantee };

export type ClusterDeps = {
  /** Where Redis is; it may hold a password and is shown to nobody. */
  readonly redisUrl: string;
  readonly clock: Clock;
  /** Serves whoever is at this process. */
  readonly local: Exchange;
  readonly node?: string;
  /** A sentence for who runs the server, whenever Redis goes, comes, or does not do what mail asks of it. */
  readonly say: (sentence: string) => void;
};

export const createCluster = (deps: ClusterDeps): Cluster => {
  const { clock, local, say, node = randomBytes(9).toString('base64url') } = deps;
  const redis = createRedis(deps.redisUrl);
  const exchange = createClusterExchange({ redis, local, clock, node });
  const mail = createStreamMail({ redis, clock, onGuarantee: (guarantee) => say(sentences[guarantee]) });
  return {
    exchange,
    mail,
    facts: () => ({
      ...exchange.facts(),
      state: exchange.state() === 'joined' ? 'joined' : 'lost',
      mail: mail.guarantee(),
    }),
    start: () => {
      redis.start();
      // It was never there, so it was never lost either.
      clock.after(limits.clusterSilentMs, () => {
        if (mail.guarantee() === 'away') say(sentences.away);
      });
    },
    stop: async () => {
      await Promise.all([exchange.stop(), mail.stop()]);
      redis.stop();
    },
  };
};

const closed = 'The mailboxes stay closed:';
const sentences: Record<MailGuarantee, string> = {
  safe: 'This server shares people and mailboxes with the others behind its Redis.',
  away: 'Redis cannot be reached: who is at this server is served, nobody else is seen, and the mailboxes are closed until it is back.',
  unknown: `${closed} Redis does not tell how it keeps its data (CONFIG GET is refused).`,
  'no-append-only-file': `${closed} Redis keeps no append-only file, so set "appendonly yes" and "appendfsync always".`,
  'not-synced': `${closed} Redis may lose its last writes, so set "appendfsync always".`,
  evicts: `${closed} Redis throws out keys when its memory is full, so set "maxmemory-policy noeviction".`,
};
