import { bytesToText } from '../kernel/ids.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { createStops } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, DeviceKeys } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createSignal } from '../kernel/watch.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { BoxItem, Letter } from './box-item.ts';
import { letterEndMs, openCustody } from './custody.ts';
import { letterId, openLetter, sealLetter } from './letter.ts';
import { openLettersIn } from './letters-in.ts';
import { openLettersOut, type LetterOut } from './letters-out.ts';
import { encodeMailFrame, isMailFrame, parseMailFrame, type MailFrame } from './mail-frames.ts';

export type LettersDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly here: Pick<Neighbourhood, 'log' | 'membership'>;
  readonly keys: DeviceKeys;
  readonly links: Links;
  /** Puts into the community's box at every relay; true when one of them keeps it. */
  readonly putEverywhere: (item: Partial<BoxItem>) => Promise<boolean>;
  readonly onRefused: (reason: string) => void;
};

export type PostRefusal = 'device-unknown' | 'letter-too-long' | 'letters-too-many' | 'letter-not-stored';
/** In the words of all delivery: handedOn when a relay keeps it or a neighbour carries it, delivered when its device has said so. */
export type LetterState = 'waiting' | 'handedOn' | 'delivered';

/**
 * Mail for one device that is away. A letter waits at the relays and with up to three neighbours, who can read nothing of it, until its
 * device has opened it; then it is thrown away everywhere as far as word of it comes.
 */
export const openLetters = async (deps: LettersDeps) => {
  const { crypto, clock, random, here, keys, links, onRefused } = deps;
  const [out, inbox, custody] = [await openLettersOut(deps), await openLettersIn(deps), await openCustody(deps)];
  const place = { crypto, community: here.log.community };
  const self = bytesToText(keys.signing.publicKey);
  const changed = createSignal();
  const stops = createStops();
  /** Of this run: letters that arrived, and who would not carry what. */
  const delivered = new Set<string>();
  const refusedBy = new Set<string>();
  const pending = new Set<() => void>();
  const detachById = new Map<string, () => void>();
  const isMember = (device: string): boolean => here.membership().roleOf(device) !== null;
  const say = (link: Link, frame: MailFrame): boolean => link.send('sync', encodeMailFrame(frame));

  /** To its device where it is linked. Where it is not, or says nothing, to relays and to neighbours who may meet it. */
  const handOn = async (letter: LetterOut): Promise<void> => {
    const direct = links.of(bytesToText(letter.letter.to));
    if (!direct) return putAway(letter);
    say(direct, { type: 'letter', letter: letter.letter });
    // A link may be dead and not known to be: only the word of its device ends the matter.
    const cancel = clock.after(limits.letterAnswerMs, () => {
      pending.delete(cancel);
      void putAway(letter);
    });
    pending.add(cancel);
  };
  const putAway = async (letter: LetterOut): Promise<void> => {
    if (out.get(bytesToText(letter.letter.id)) !== letter) return;
    askCarriers(letter, shuffled(random, links.all()));
    if (letter.isAtRelay || !(await deps.putEverywhere({ letters: [letter.letter] }))) return;
    await out.noteAtRelay(letter);
    changed.tell();
  };
  const onDown = (link: Link): void => {
    detachById.get(link.id)?.();
    detachById.delete(link.id);
    for (const each of out.all()) if (bytesToText(each.letter.to) === link.peer.device) void putAway(each);
  };
  const askCarriers = ({ letter, carriers }: LetterOut, asked: readonly Link[]): void => {
    const able = asked.filter(
      ({ peer }) =>
        isMember(peer.device) &&
        peer.device !== bytesToText(letter.to) &&
        !carriers.has(peer.device) &&
        !refusedBy.has(`${bytesToText(letter.id)} ${peer.device}`),
    );
    for (const link of able.slice(0, limits.lettersCarriersMax - carriers.size)) say(link, { type: 'letter', letter });
  };

  const post = async (device: string, topic: string, bytes: Bytes): Promise<Result<{ id: string }, PostRefusal>> => {
    const agreement = isMember(device) ? here.membership().agreementKeyOf(device) : null;
    if (!agreement) return err('device-unknown');
    if (topic.length > limits.letterTopicCharsMax) return err('letter-too-long');
    const expires = Math.floor((clock.now() + limits.mailKeepMs - hlcEpochMs) / 1000);
    const words = { to: device, agreement, topic, bytes, secret: random.bytes(32), expires };
    const letter = await sealLetter(place, { ...words, from: keys.signing });
    if (!letter) return err('letter-too-long');
    const added = await out.add(letter);
    if (added !== 'kept') return err(added === 'disk' ? 'letter-not-stored' : 'letters-too-many');
    const id = bytesToText(letter.id);
    const kept = out.get(id);
    if (kept) await handOn(kept);
    return ok({ id });
  };

  /** Says to everybody near, and where those look who are not, that a letter has arrived. */
  const announce = async (secret: Bytes): Promise<void> => {
    for (const link of links.all()) say(link, { type: 'arrived', secret });
    await deps.putEverywhere({ arrived: [secret] });
  };

  const takeOwn = async (letter: Letter): Promise<boolean> => {
    const known = inbox.secretOf(letter);
    if (known) {
      for (const link of links.all()) say(link, { type: 'arrived', secret: known });
      return true;
    }
    const opened = await openLetter(place, keys.agreement, letter);
    const refusal = opened.ok ? (isMember(opened.value.from) ? null : 'letter-stranger') : opened.error;
    if (!opened.ok || refusal) {
      onRefused(refusal ?? 'letter-malformed');
      return true;
    }
    if (!(await inbox.add(letter, opened.value))) return false;
    await announce(opened.value.secret);
    return true;
  };

  const takeLetter = async (letter: Letter): Promise<boolean> =>
    bytesToText(letter.to) === self && letterEndMs(letter) > clock.now() ? takeOwn(letter) : true;

  const takeArrived = async (secret: Bytes): Promise<void> => {
    const id = bytesToText(await letterId(crypto, secret));
    const [wasOwn, wasHeld] = [await out.end(id), await custody.release(id)];
    if (wasOwn) delivered.add(id);
    // Word of it goes on with whoever carried it, and ends with everybody else.
    if (wasOwn || wasHeld) for (const link of links.all()) say(link, { type: 'arrived', secret });
    if (wasOwn) changed.tell();
  };

  const carry = async (letter: Letter, link: Link): Promise<void> => {
    const taken = await custody.take(letter, link.peer.device);
    if (!taken.ok) onRefused(taken.error);
    say(link, taken.ok ? { type: 'taken', id: letter.id } : { type: 'refused', id: letter.id, reason: taken.error });
    const direct = links.of(bytesToText(letter.to));
    if (taken.ok && direct) say(direct, { type: 'letter', letter });
  };

  const onFrame = async (link: Link, bytes: Uint8Array): Promise<void> => {
    if (!isMember(link.peer.device)) return onRefused('mail-stranger');
    const frame = parseMailFrame(bytes);
    if (!frame) return onRefused('mail-malformed');
    if (frame.type === 'letter')
      return bytesToText(frame.letter.to) === self ? void (await takeLetter(frame.letter)) : carry(frame.letter, link);
    if (frame.type === 'arrived') return takeArrived(frame.secret);
    const id = bytesToText(frame.id);
    if (frame.type === 'refused') return void refusedBy.add(`${id} ${link.peer.device}`);
    if (await out.noteCarrier(id, link.peer.device)) changed.tell();
  };

  const attach = (link: Link): void => {
    let frames = 0;
    let minute = 0;
    let turn: Promise<void> = Promise.resolve();
    detachById.set(
      link.id,
      link.onFrame('sync', (bytes) => {
        if (!isMailFrame(bytes)) return;
        const now = Math.floor(clock.now() / 60_000);
        frames = now === minute ? frames + 1 : 1;
        minute = now;
        if (frames > limits.mailFramesPerMinuteMax) return onRefused('mail-rate');
        turn = turn.then(() => onFrame(link, bytes)).catch((error: unknown) => onRefused(`bug: ${String(error)}`));
      }),
    );
    for (const letter of custody.for(link.peer.device)) say(link, { type: 'letter', letter });
    for (const each of out.all())
      if (bytesToText(each.letter.to) === link.peer.device) say(link, { type: 'letter', letter: each.letter });
      else askCarriers(each, [link]);
  };

  return {
    start: () => {
      stops.add(links.onUp(attach));
      stops.add(links.onDown(onDown));
      for (const link of links.all()) attach(link);
      stops.add(
        every(
          clock,
          () => limits.boxLookMs * 60,
          () => void Promise.all([out.dropExpired(), custody.dropExpired()]),
        ),
      );
    },
    stop: () => {
      stops.run();
      for (const end of [...pending, ...detachById.values()]) end();
      pending.clear();
      detachById.clear();
    },
    post,
    /** The one reader of a topic. */
    on: inbox.on,
    takeLetter,
    takeArrived,
    /** A relay can be reached: what none keeps yet is put there. */
    onRelay: async (): Promise<void> => {
      for (const each of out.all()) if (!each.isAtRelay) await handOn(each);
    },
    stateOf: (id: string): LetterState | null => {
      const letter = out.get(id);
      if (!letter) return delivered.has(id) ? 'delivered' : null;
      return letter.isAtRelay || letter.carriers.size > 0 ? 'handedOn' : 'waiting';
    },
    carried: custody.count,
    onChange: changed.on,
  };
};
export type Letters = Awaited<ReturnType<typeof openLetters>>;

const shuffled = <T>(random: Random, list: readonly T[]): T[] => {
  const left = [...list];
  return Array.from({ length: left.length }, () => left.splice(randomInt(random, left.length), 1)).flat();
};
