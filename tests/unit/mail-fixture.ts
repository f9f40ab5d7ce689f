import { unwrap } from '../../src/lib/kernel/result.ts';
import { createCommunityBox } from '../../src/lib/mail/community-box.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { createReach, type MemoryRelay } from '../support/memory-relay.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { makeStreet, say, type LogPlace, type Person } from './street-fixture.ts';
import { isCryptoBusy, platformCrypto } from './tracked-crypto.ts';

/** Somebody of the street at home: their log, and their office for what lies at relays. */
export type Home = Awaited<ReturnType<Awaited<ReturnType<typeof mailStreet>>['home']>>;

/** Everybody holds everything that was written until now; what comes later travels by relays only. */
export const mailStreet = async (...names: readonly [string, ...string[]]) => {
  const street = await makeStreet(...names);
  const opened: { stop(): void; settled(): Promise<void> }[] = [];

  /** Lets all work end that is under way, without any time passing. */
  const settle = async (): Promise<void> => {
    for (let calm = 0; calm < 5; calm++) {
      for (const box of opened) await box.settled();
      await new Promise((resolve) => setImmediate(resolve));
      if (isCryptoBusy()) calm = 0;
    }
  };
  /** Time passes in small steps, so that what takes turns gets its turns. */
  const pass = async (ms: number): Promise<void> => {
    const steps = Math.min(20, Math.ceil(ms / 250));
    for (let step = 0; step < steps; step++) {
      street.clock.advance(ms / steps);
      await settle();
    }
  };
  const home = async (
    person: Person,
    relays: readonly MemoryRelay[],
    place: LogPlace & { readonly isLinkedToAll?: () => boolean } = {},
  ) => {
    const moved = await street.move(person, place);
    await moved.receipts.load();
    const refused: string[] = [];
    const reach = createReach(...relays);
    const box = createCommunityBox({
      crypto: platformCrypto,
      clock: street.clock,
      random: seededRandom(`box of ${person.name}`),
      store: moved.store,
      mailboxes: reach.mailboxes,
      here: moved.here,
      isLinkedToAll: place.isLinkedToAll ?? (() => false),
      letters: { takeLetter: async () => true, takeArrived: async () => {} },
      onRefused: (reason) => void refused.push(reason),
    });
    opened.push(box);
    box.start();
    await settle();
    return {
      ...moved,
      person,
      box,
      reach,
      refused,
      says: async (text: string) => unwrap(await say(moved.log, text)),
      texts: (): string[] => moved.here.room().messages.map(({ text }) => text),
      /** Signs for what is held, as the holder does after every arrival. */
      sign: () => moved.receipts.refreshOwn(),
    };
  };
  return { ...street, home, settle, pass, soon: () => pass(2 * limits.boxSoonMs) };
};
