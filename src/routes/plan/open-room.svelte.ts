import { enterOpenRoom, type OpenRoom, type OpenRoomAddress } from '$lib/node/open-room.ts';
import type { OpenPlan } from '$lib/state/documents.svelte.ts';
import { lineDifference, mergeSteps, type Hunk } from './line-difference.ts';

/** What stands in the address after `#`, for a page of the app that comes from outside. `at` only where it is not the app's own server. */
export const roomLink = (
  origin: string,
  { room, password, signalUrl }: OpenRoomAddress,
  ownSignalUrl: string,
): string => {
  const query = new URLSearchParams({ room, key: password });
  if (signalUrl !== ownSignalUrl) query.set('at', signalUrl);
  return `${origin}/plan/open/#${query}`;
};

/** Total: null when a part is missing. */
export const roomOfHash = (hash: string, ownSignalUrl: string): OpenRoomAddress | null => {
  const query = new URLSearchParams(hash.replace(/^#/, ''));
  const [room, password] = [query.get('room') ?? '', query.get('key') ?? ''];
  if (!/^hearthnet-[\w-]{22}$/.test(room) || !/^[\w-]{32}$/.test(password)) return null;
  const at = query.get('at') ?? '';
  return { room, password, signalUrl: /^wss?:\/\//.test(at) ? at : ownSignalUrl };
};

const randomText = (bytes: number): string =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** Somebody's room on this page: entered, left, and read as text. */
const createRoom = (onChange: (text: string | null) => void) => {
  let state = $state<'closed' | 'opening' | 'open' | 'failed'>('closed');
  let guests = $state(0);
  let room: OpenRoom | null = null;
  let entry = 0;
  return {
    get state() {
      return state;
    },
    get guests() {
      return guests;
    },
    text: () => room?.text() ?? null,
    setText: (next: string) => room?.setText(next),
    enter: async (address: OpenRoomAddress, begin: (entered: OpenRoom) => void): Promise<void> => {
      const own = ++entry;
      state = 'opening';
      try {
        const entered = await enterOpenRoom(address, () => {
          guests = room?.guests() ?? 0;
          if (room) onChange(room.text());
        });
        if (own !== entry) return entered.close();
        room = entered;
        begin(entered);
        state = 'open';
      } catch (cause) {
        if (own !== entry) return;
        console.warn('the open room could not be loaded', cause);
        state = 'failed';
      }
    },
    leave: (): void => {
      entry += 1;
      room?.close();
      room = null;
      guests = 0;
      state = 'closed';
    },
  };
};

/**
 * A plan that is open to people outside. What stands in their room beside what we last put there is a proposal; while there
 * is one, they do not see what we write on. Accepting writes it into the plan as this person; turning down puts ours back.
 */
export const createHostRoom = (plan: () => Pick<OpenPlan, 'value' | 'type' | 'say'>) => {
  let link = $state('');
  let address = $state.raw<OpenRoomAddress | null>(null);
  let mirror = $state('');
  let outside = $state<string | null>('');
  const room = createRoom((text) => (outside = text));
  /** null: too long to be shown. */
  const proposal = $derived<Hunk[] | null>(outside === null ? null : lineDifference(mirror, outside));
  const show = (): void => {
    mirror = plan().value;
    room.setText(mirror);
    outside = room.text();
  };
  return {
    get state() {
      return room.state;
    },
    get guests() {
      return room.guests;
    },
    get link() {
      return link;
    },
    get address() {
      return address;
    },
    get proposal() {
      return proposal;
    },
    /** The plan has changed: people outside see it when they have proposed nothing. */
    follow: (): void => {
      if (room.state === 'open' && outside === mirror && plan().value !== mirror) show();
    },
    open: (origin: string, signalUrl: string, ownSignalUrl: string): Promise<void> => {
      address = { room: `hearthnet-${randomText(16)}`, password: randomText(24), signalUrl };
      link = roomLink(origin, address, ownSignalUrl);
      return room.enter(address, (entered) => {
        mirror = plan().value;
        entered.setText(mirror);
        outside = mirror;
      });
    },
    /** False when the plan did not take it. */
    accept: (): boolean => {
      const theirs = outside;
      const steps = theirs === null ? null : mergeSteps(mirror, theirs, plan().value);
      if (!steps) return false;
      for (const { text, end } of steps) if (!plan().type(text, end)) return false;
      plan().say();
      if (room.text() === theirs) show();
      else mirror = plan().value;
      return true;
    },
    turnDown: show,
    close: (): void => {
      room.leave();
      address = null;
      link = '';
    },
  };
};
export type HostRoom = ReturnType<typeof createHostRoom>;

/** A room that somebody else opened, for whoever has their link. */
export const createGuestRoom = () => {
  let text = $state('');
  let hasText = $state(false);
  const room = createRoom((next) => {
    text = next ?? '';
    hasText ||= text !== '';
  });
  return {
    get state() {
      return room.state;
    },
    get guests() {
      return room.guests;
    },
    get text() {
      return text;
    },
    /** Something has come from whoever opened it. */
    get isThere() {
      return hasText || room.guests > 0;
    },
    write: (next: string): void => {
      room.setText(next);
      text = next;
    },
    enter: (address: OpenRoomAddress) => room.enter(address, () => {}),
    leave: room.leave,
  };
};
