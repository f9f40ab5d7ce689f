import {
  encodePairingCode,
  pairingDevice,
  parsePairingCode,
  type MarkedCode,
  type PairingCodeRefusal,
} from '../crypto/pairing-code.ts';
import { pairingTexts, readPairingText, type PairingTextRefusal } from '../crypto/pairing-text.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { areBytesEqual, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { PairFacts, PairingPort, PairPipe } from '../kernel/ports/pairing.ts';
import type { Carrier } from '../kernel/ports/transport.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { createSignal } from '../kernel/watch.ts';
import type { Neighbours } from './neighbours.ts';
import { findPairingPlace, ownPairingKey, type PairingPlace, type PlaceRefusal } from './pairing-place.ts';

export type PairingDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly port: PairingPort;
  readonly neighbours: Pick<Neighbours, 'strangersPlaces' | 'greetPaired'>;
  readonly selfDevice: () => string;
  /** The keys of this device's community, the current one first; none before it is in one. */
  readonly keys: () => readonly Bytes[];
  /** The person lets no neighbour see where this device is: a code would name it. */
  readonly hidesAddress: () => boolean;
};

/** Why no code can be shown, or nothing came of it. */
export type PairingEnd =
  | 'pairing-no-place'
  | 'pairing-hidden'
  | 'pairing-unavailable'
  | 'pairing-unfit'
  | 'pairing-timeout'
  | 'pairing-stale'
  | 'pairing-fingerprint'
  | 'pairing-hello'
  | 'pairing-lost'
  | 'pairing-over';

/** Why the other's code was not taken; the own one stays on the screen. */
export type PairingRefusal =
  PairingCodeRefusal | PairingTextRefusal | PlaceRefusal | 'pairing-not-now' | 'pairing-own' | 'pairing-no-address';

/**
 * `showing`: the own code is there; `connecting`: the other's was read, and they have to read ours; `linked`: a neighbour;
 * `door`: one of the two stands at the other's door with an invite.
 */
export type PairingView = {
  readonly step: 'preparing' | 'showing' | 'connecting' | 'linked' | 'door' | 'failed';
  readonly role: 'member' | 'guest';
  readonly picture: string;
  readonly words: string;
  /** How many addresses the own code names; with none, the other one has to name some. */
  readonly addresses: number;
  /** Who is there, when somebody is. */
  readonly device: string | null;
  readonly person: string | null;
  readonly name: string;
  readonly reason: PairingEnd | '';
};

/** One attempt of two people with two codes. `close` gives up; what is linked by then stays. */
export type PairingRun = {
  view(): PairingView;
  onChange(listener: () => void): () => void;
  take(text: string): Promise<Result<null, PairingRefusal>>;
  close(): void;
};

/**
 * Links two devices that show each other a code, with nobody between (protocol 6.3). The codes stand for what a server would carry
 * in a meeting place; who is there is proven by Hello, as at every other place, and whoever comes with an invite stands at the door.
 */
export const openPairing = (deps: PairingDeps): PairingRun => {
  const changed = createSignal();
  const run: Run = {
    ...deps,
    view: { ...blank, role: deps.keys().length > 0 ? 'member' : 'guest' },
    own: null,
    other: null,
    pipe: null,
    hasOpened: false,
    cancelTimer: () => {},
    changed: changed.tell,
  };
  void begin(run);
  return {
    view: () => run.view,
    onChange: changed.on,
    take: (text) => take(run, text),
    close: () => {
      if (isOver(run)) return;
      end(run, 'pairing-over');
    },
  };
};

type Run = PairingDeps & {
  view: PairingView;
  own: PairFacts | null;
  other: PairingPlace | null;
  pipe: PairPipe | null;
  hasOpened: boolean;
  cancelTimer: () => void;
  readonly changed: () => void;
};

const blank = {
  step: 'preparing',
  picture: '',
  words: '',
  addresses: 0,
  device: null,
  person: null,
  name: '',
  reason: '',
} as const;

const isOver = ({ view }: Run): boolean => ['linked', 'door', 'failed'].includes(view.step);

const show = (run: Run, change: Partial<PairingView>): void => {
  run.view = { ...run.view, ...change };
  run.changed();
};

const end = (run: Run, reason: PairingEnd): void => {
  if (isOver(run)) return;
  run.cancelTimer();
  run.pipe?.close();
  show(run, { step: 'failed', reason });
};

const begin = async (run: Run): Promise<void> => {
  if (run.hidesAddress()) return end(run, 'pairing-hidden');
  const key = await ownPairingKey(run);
  if (!key) return end(run, 'pairing-no-place');
  if (isOver(run)) return;
  run.pipe = run.port.open({
    described: (facts) => void showCode(run, facts, key),
    opened: (carrier) => {
      run.hasOpened = true;
      void greet(run, carrier);
    },
    closed: (reason) => {
      // From here on Hello says what became of it.
      if (run.hasOpened) return;
      if (reason === 'dtls-failed') return end(run, 'pairing-fingerprint');
      end(run, run.own ? 'pairing-lost' : 'pairing-unavailable');
    },
  });
  if (!run.pipe) return end(run, 'pairing-unavailable');
  run.cancelTimer = run.clock.after(limits.pairingOpenMs, () => end(run, 'pairing-timeout'));
};

const showCode = async (run: Run, facts: PairFacts, key: Bytes): Promise<void> => {
  const device = textToBytes(run.selfDevice());
  const code = device && {
    role: run.view.role,
    minute: Math.max(0, Math.floor((run.clock.now() - hlcEpochMs) / 60_000)),
    device: await pairingDevice(run.crypto, device),
    facts,
  };
  const bytes = code ? await encodePairingCode(run.crypto, code, key) : null;
  if (isOver(run)) return;
  if (!bytes) return end(run, 'pairing-unfit');
  const kept = parsePairingCode(bytes);
  run.own = facts;
  show(run, {
    step: 'showing',
    ...pairingTexts(bytes),
    addresses: kept.ok ? kept.value.facts.addresses.length : 0,
  });
};

const take = async (run: Run, text: string): Promise<Result<null, PairingRefusal>> => {
  const bytes = readPairingText(text);
  if (!bytes.ok) return bytes;
  const code = parsePairingCode(bytes.value);
  if (!code.ok) return code;
  if (!run.own || run.view.step !== 'showing') return err('pairing-not-now');
  if (areBytesEqual(code.value.facts.fingerprint, run.own.fingerprint)) return err('pairing-own');
  const found = await findPairingPlace(run, run.view.role, code.value);
  if (!found.ok) return found;
  if (run.view.addresses + code.value.facts.addresses.length === 0) return err('pairing-no-address');
  if (run.view.step !== 'showing') return err('pairing-not-now');
  run.other = found.value;
  run.cancelTimer();
  run.cancelTimer = run.clock.after(limits.pairingConnectMs, () => end(run, ageOf(run, code.value)));
  show(run, { step: 'connecting' });
  run.pipe?.connect(code.value.facts);
  return ok(null);
};

/**
 * Clocks may be wrong by hours in an outage, so an old code is tried like any other; only when nothing came of it is its age the
 * likely reason.
 */
const ageOf = (run: Run, { minute }: MarkedCode): PairingEnd => {
  const ageMs = run.clock.now() - (hlcEpochMs + minute * 60_000);
  return Math.abs(ageMs) > limits.pairingStaleMs + limits.pairingConnectMs ? 'pairing-stale' : 'pairing-timeout';
};

/** Hello over the new pipe. Only the device whose key is in the code is believed. */
const greet = async (run: Run, carrier: Carrier): Promise<void> => {
  const { other } = run;
  if (!other || isOver(run)) return carrier.close();
  const isThem = async (device: string): Promise<boolean> => {
    const bytes = textToBytes(device);
    return bytes !== null && areBytesEqual(await pairingDevice(run.crypto, bytes), other.code.device);
  };
  const peer = await run.neighbours.greetPaired(carrier, other.psk, other.place, isThem);
  if (!peer) return end(run, 'pairing-hello');
  if (isOver(run)) return;
  run.cancelTimer();
  show(run, { step: other.place ? 'door' : 'linked', device: peer.device, person: peer.person, name: peer.name });
};
