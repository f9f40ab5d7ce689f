import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { relaySessionBytes } from './relay-frames.ts';
import { relayDescriptionPrefix } from './pipe.ts';

/** One end of a relayed pipe, as the other end is told it, sealed: its name of the pipe, and what servers call it. */
export type RelayDescription = { readonly session: Uint8Array<ArrayBuffer>; readonly names: readonly string[] };

export const encodeRelayDescription = ({ session, names }: RelayDescription): string =>
  `${relayDescriptionPrefix}1 ${[bytesToText(session), ...names].join(' ')}`;

/** null when it is none, or one of a version this build does not know. */
export const parseRelayDescription = (text: string): RelayDescription | null => {
  const [version, given = '', ...names] = text.split(' ');
  const session = textToBytes(given);
  if (version !== `${relayDescriptionPrefix}1` || session?.length !== relaySessionBytes) return null;
  if (names.length < 1 || names.length > limits.meshServersMax) return null;
  return names.every((name) => textToBytes(name)?.length === 16) ? { session, names } : null;
};
