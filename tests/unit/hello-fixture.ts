import { initiateHello, respondHello, type HelloDeps, type HelloSelf } from '../../src/lib/crypto/hello.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { hashOf, platformCrypto, todayMs, type Person } from './street-fixture.ts';

export const selfOf = ({ certificate, keys, name }: Person): HelloSelf => ({
  certificate,
  signing: keys.signing,
  name,
  build: 'test',
});

export const helloDeps = (person: Person, over: Partial<HelloDeps> = {}): HelloDeps => ({
  crypto: platformCrypto,
  self: selfOf(person),
  psk: hashOf('community key'),
  binding: hashOf('both fingerprints'),
  nowMs: () => todayMs,
  ...over,
});

type Change = (message: Bytes) => Uint8Array;
const unchanged: Change = (message) => message;

/** Runs one Hello with somebody on the wire who may change each message. The outcome of each side, or null where it never came so far. */
export const runHello = async (
  initiator: HelloDeps,
  responder: HelloDeps,
  wire: { first?: Change; second?: Change; third?: Change } = {},
) => {
  const { first = unchanged, second = unchanged, third = unchanged } = wire;
  const begun = await initiateHello(initiator);
  const answered = await respondHello(responder, first(begun.first));
  if (!answered.ok) return { initiator: null, responder: answered, messages: [begun.first] };
  const finished = await begun.finish(second(answered.value.second));
  if (!finished.ok) return { initiator: finished, responder: null, messages: [begun.first, answered.value.second] };
  const messages = [begun.first, answered.value.second, finished.value.third];
  return { initiator: finished, responder: await answered.value.finish(third(finished.value.third)), messages };
};

export const doneOf = (outcome: Awaited<ReturnType<typeof runHello>>) => {
  if (!outcome.initiator || !outcome.responder) throw new Error('the Hello did not come to its end');
  const responder = unwrap(outcome.responder);
  if (!('peer' in responder)) throw new Error('the answerer did not come to its end');
  return { initiator: unwrap(outcome.initiator).done, responder };
};
