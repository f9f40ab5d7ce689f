import type { Clock } from '../kernel/ports/clock.ts';

/** bad-address: not a ws:// or wss:// address; mixed: an unprotected address that this protected page may not use; no-answer: tried in vain. */
export type SignalCheck =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly problem: 'bad-address' | 'mixed' | 'no-answer' };

const answerWithinMs = 5_000;

/** A signalling address as a person may type it, brought into form; null when it cannot be one. */
export const parseSignalUrl = (typed: string): URL | null => {
  const text = typed.trim();
  const url = URL.parse(/^wss?:\/\//i.test(text) ? text : text.replace(/^http(s?):\/\//i, 'ws$1://'));
  return url && (url.protocol === 'ws:' || url.protocol === 'wss:') && url.hostname !== '' ? url : null;
};

/** An address of this very device: good for it alone. */
export const isLocal = (host: string): boolean => host === 'localhost' || host === '127.0.0.1' || host === '[::1]';

/** Opens a socket to the address and closes it again: whether a server answers there, and how fast. */
export const checkSignal = async (
  typed: string,
  { clock, pageProtocol, open }: { clock: Clock; pageProtocol: string; open: (url: string) => WebSocket },
): Promise<SignalCheck> => {
  const url = parseSignalUrl(typed);
  if (!url) return { ok: false, problem: 'bad-address' };
  if (pageProtocol === 'https:' && url.protocol === 'ws:' && !isLocal(url.hostname))
    return { ok: false, problem: 'mixed' };
  // The node takes an address without a path for that server's own socket, and so does the test of it.
  if (url.pathname === '/') url.pathname = '/mesh';
  const startedAt = clock.now();
  const socket = open(url.href);
  const isOpen = await new Promise<boolean>((done) => {
    clock.after(answerWithinMs, () => done(false));
    socket.addEventListener('open', () => done(true));
    socket.addEventListener('error', () => done(false));
  });
  socket.close();
  return isOpen ? { ok: true, ms: clock.now() - startedAt } : { ok: false, problem: 'no-answer' };
};
