import { err, limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import type { MailPage, MailStore, MailTrouble } from '../exchange.ts';
import { mailKeys, putScript, streamKey, sweepScript, takeScript } from './mail-scripts.ts';
import type { Redis, RedisTrouble } from './redis.ts';

/**
 * The mailboxes of several servers, in Redis Streams. Musts:
 * - `put` resolves with an item kept only when Redis writes every command to its disk before it answers and throws nothing out; Redis
 *   is asked for that at each connect and each `mailSweepMs`, and where it does otherwise the boxes are closed.
 * - While Redis is away nothing is kept and nothing is said to be.
 */
export type StreamMail = MailStore & { guarantee(): MailGuarantee };

export type StreamMailDeps = {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly onGuarantee?: (guarantee: MailGuarantee) => void;
};

/** `safe`, or why nothing is kept: Redis is away, does not tell, has no append-only file synced at each write, or evicts keys. */
export type MailGuarantee = 'safe' | 'away' | 'unknown' | 'no-append-only-file' | 'not-synced' | 'evicts';

export const createStreamMail = ({ redis, clock, onGuarantee = () => {} }: StreamMailDeps): StreamMail => {
  let guarantee: MailGuarantee = 'away';
  let totals = { items: 0, bytes: 0, isFull: false };
  let cancelSweep = (): void => {};
  let isStopped = false;

  const troubleOf = (trouble: RedisTrouble): MailTrouble => {
    totals = { ...totals, isFull: trouble === 'full' };
    return trouble === 'full' ? 'mail-full' : 'mail-unavailable';
  };
  const judge = (answer: MailGuarantee): void => {
    if (answer === guarantee) return;
    guarantee = answer;
    onGuarantee(answer);
  };
  const sweep = async (): Promise<void> => {
    const answer = await askGuarantee(redis);
    judge(redis.isReady() ? answer : 'away');
    const { boxes, sizes, total } = mailKeys;
    const args = [limits.mailSweepItemsMax, limits.mailItemCostBytes].map(String);
    const swept = await redis.command(['EVAL', sweepScript, '3', boxes, sizes, total, ...args]);
    const [bytes, items] = swept.ok ? numbersOf(swept.value) : [];
    if (bytes !== undefined && items !== undefined) totals = { ...totals, bytes, items };
    cancelSweep();
    if (!isStopped) cancelSweep = clock.after(limits.mailSweepMs, () => void sweep());
  };

  redis.onReady(() => void sweep());
  redis.onLost(() => judge('away'));

  return {
    put: async (box, keepMs, item) => {
      if (guarantee !== 'safe') return err('mail-unavailable');
      const { boxes, sizes, total } = mailKeys;
      const bounds = [limits.mailItemCostBytes, limits.mailBoxBytesMax, limits.mailBytesMax].map(String);
      const keep = String(Math.min(keepMs, limits.mailKeepMs));
      const keys = [streamKey(box), boxes, sizes, total];
      const put = await redis.command(['EVAL', putScript, '4', ...keys, box, bufferOf(item), keep, ...bounds]);
      if (!put.ok) return err(troubleOf(put.error));
      const [kept, bytes = 0, items = 0] = numbersOf(put.value);
      totals = { items, bytes, isFull: kept !== 1 };
      return kept === 1 ? ok(null) : err('mail-full');
    },
    take: async (box, cursor, most) => {
      const after = /^r\d{1,20}-\d{1,20}$/.test(cursor) ? cursor.slice(1) : '';
      const bounds = [most, limits.mailPageBytesMax, limits.clusterMailScanMax].map(String);
      const taken = await redis.command(['EVAL', takeScript, '1', streamKey(box), after, ...bounds]);
      return taken.ok ? pageOf(taken.value) : err(troubleOf(taken.error));
    },
    state: () => ({ ...totals, isOpen: guarantee === 'safe' }),
    guarantee: () => guarantee,
    stop: async () => {
      isStopped = true;
      cancelSweep();
    },
  };
};

/** A cursor of ours is told from one of another store by its first letter. */
const pageOf = (reply: unknown): Result<MailPage, MailTrouble> => {
  const [cursor, hasMore, items]: unknown[] = Array.isArray(reply) ? reply : [];
  if (!Buffer.isBuffer(cursor) || !Array.isArray(items)) return err('mail-unavailable');
  const text = cursor.toString('latin1');
  return ok({
    items: items.flatMap((item) => (Buffer.isBuffer(item) ? [Uint8Array.from(item)] : [])),
    cursor: text === '' ? '' : `r${text}`,
    hasMore: hasMore === 1,
  });
};

const askGuarantee = async (redis: Redis): Promise<MailGuarantee> => {
  const asked = await redis.command(['CONFIG', 'GET', 'append*', 'maxmemory-policy']);
  if (!asked.ok) return asked.error === 'away' ? 'away' : 'unknown';
  const settings = settingsOf(asked.value);
  if (settings.get('appendonly') === undefined) return 'unknown';
  if (settings.get('appendonly') !== 'yes') return 'no-append-only-file';
  if (settings.get('appendfsync') !== 'always') return 'not-synced';
  return settings.get('maxmemory-policy') === 'noeviction' ? 'safe' : 'evicts';
};

/** Redis answers with a map, which the library gives as an object without a prototype; older protocols give a flat list. */
const settingsOf = (reply: unknown): ReadonlyMap<string, string> => {
  const textOf = (value: unknown): string => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value));
  if (typeof reply !== 'object' || reply === null) return new Map();
  if (!Array.isArray(reply)) return new Map(Object.entries(reply).map(([key, value]) => [key, textOf(value)]));
  const words = reply.map(textOf);
  return new Map(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ''] as const] : [])));
};

const numbersOf = (reply: unknown): readonly number[] =>
  Array.isArray(reply) ? reply.filter((each) => typeof each === 'number') : [];

const bufferOf = (item: Uint8Array): Buffer => Buffer.from(item.buffer, item.byteOffset, item.length);
