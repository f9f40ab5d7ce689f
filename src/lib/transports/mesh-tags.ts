import { bytesToText, textToBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { MeshNews } from './mesh-socket.ts';

/** What happens at one tag on one server. Names of others are the text of their connection's id; they prove nothing. */
export type TagListener = {
  from(bytes: Uint8Array<ArrayBuffer>, from: string): void;
  /** Some who are there. `isFresh`: the first answer on this connection; what was said meanwhile is lost. */
  met(near: readonly string[], isFresh: boolean): void;
  /** What was sent to them did not arrive; null: some of what was sent, and it is not known what. */
  undelivered(to: string | null, why: 'gone' | 'busy'): void;
};

/** Who listens at which tag of one server. Knows no socket: its owner asks the server and tells what it answered. */
export type MeshTags = {
  count(): number;
  /** The texts of their 32 bytes. */
  names(): readonly string[];
  /** True: the server has to be asked, so that this listener has a first answer of its own. */
  add(name: string, listener: TagListener): boolean;
  /** True: nobody listens at this tag any more. */
  remove(name: string, listener: TagListener): boolean;
  /** The tag whose turn came longest ago, which is the last in the row from now on; null where none is held. */
  takeTurn(): string | null;
  /** The next answer at every tag is a first one: the connection is another. */
  beginAnew(): void;
  /** Tells whoever listens at its tag; false where nobody does. */
  tell(answer: TagAnswer): boolean;
  /** Some of what was sent at some tag did not arrive. */
  tellAllBusy(): void;
  clear(): void;
};

export type TagAnswer = Extract<MeshNews, { type: 'from' | 'met' | 'gone' | 'busy' }>;

export const createMeshTags = (): MeshTags => {
  const tags = new Map<string, { readonly listeners: Set<TagListener>; isMet: boolean }>();
  return {
    count: () => tags.size,
    names: () => [...tags.keys()],
    add: (name, listener) => {
      const known = tags.get(name);
      if (known === undefined && tags.size >= limits.meshTagsPerConnectionMax)
        throw new RangeError('mesh: too many tags');
      const held = known ?? { listeners: new Set(), isMet: false };
      const mustAsk = known === undefined || known.isMet;
      held.listeners.add(listener);
      held.isMet = false;
      tags.set(name, held);
      return mustAsk;
    },
    remove: (name, listener) => {
      const held = tags.get(name);
      if (held === undefined || !held.listeners.delete(listener) || held.listeners.size > 0) return false;
      return tags.delete(name);
    },
    takeTurn: () => {
      const [entry] = tags;
      if (entry === undefined) return null;
      const [name, held] = entry;
      tags.delete(name);
      tags.set(name, held);
      return name;
    },
    beginAnew: () => {
      for (const held of tags.values()) held.isMet = false;
    },
    tell: (answer) => {
      const held = tags.get(bytesToText(answer.tag));
      if (held === undefined) return false;
      const isFresh = !held.isMet;
      if (answer.type === 'met') held.isMet = true;
      for (const listener of [...held.listeners]) tellOne(listener, answer, isFresh);
      return true;
    },
    tellAllBusy: () => {
      for (const { listeners } of [...tags.values()])
        for (const listener of [...listeners]) listener.undelivered(null, 'busy');
    },
    clear: () => tags.clear(),
  };
};

/** The socket names tags by 32 bytes; shorter ones are filled up with zeros. */
export const tagBytes = (tag: string): Uint8Array<ArrayBuffer> => {
  const bytes = textToBytes(tag) ?? utf8(tag);
  if (bytes.length > 32) throw new RangeError(`mesh: a tag of ${bytes.length} bytes`);
  const whole = new Uint8Array(32);
  whole.set(bytes);
  return whole;
};

const tellOne = (listener: TagListener, answer: TagAnswer, isFresh: boolean): void => {
  if (answer.type === 'from') listener.from(answer.bytes, bytesToText(answer.from));
  else if (answer.type === 'met') listener.met(answer.near.map(bytesToText), isFresh);
  else listener.undelivered(bytesToText(answer.to), answer.type);
};
