import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { err, ok, type Result } from '../src/lib/kernel/wire/signal.ts';

/** Who asks, and which name they asked for. What a header says counts only when a proxy that was named as trusted hands it on. */
export type ClientFacts = {
  addressOf(request: IncomingMessage): string;
  /** As `URL.host` spells it: lower case, without a default port. */
  hostOf(request: IncomingMessage): string;
  isProxy(address: string): boolean;
};

export const createClientFacts = (proxies: ProxyList): ClientFacts => {
  const peerOf = (request: IncomingMessage): string => request.socket.remoteAddress ?? '';
  return {
    addressOf: (request) => {
      const peer = peerOf(request);
      return proxies.has(peer) ? firstBehind(proxies, peer, request.headers['x-forwarded-for']) : peer;
    },
    hostOf: (request) => {
      const forwarded = proxies.has(peerOf(request)) ? request.headers['x-forwarded-host'] : undefined;
      return (typeof forwarded === 'string' ? forwarded : (request.headers.host ?? '')).toLowerCase();
    },
    isProxy: proxies.has,
  };
};

/** The addresses and networks of TRUST_PROXY. */
export type ProxyList = { has(address: string): boolean };

/** Addresses and networks (`10.0.0.0/8`) with commas between; a failure is the part that is neither. */
export const parseProxyList = (text: string): Result<ProxyList, string> => {
  const list = new BlockList();
  for (const part of text.split(',').map((item) => item.trim())) {
    if (part === '') continue;
    const [address = '', prefix] = part.split('/');
    const family = familyOf(address);
    if (family === null) return err(part);
    if (prefix === undefined) list.addAddress(address, family);
    else if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 'ipv4' ? 32 : 128))
      list.addSubnet(address, Number(prefix), family);
    else return err(part);
  }
  return ok({
    has: (address) => {
      const plain = plainAddress(address);
      const family = familyOf(plain);
      return family !== null && list.check(plain, family);
    },
  });
};

/** Each proxy appends whom it saw, so from the right the first that is no proxy of ours is the client; what stands before it anybody may have written. */
const firstBehind = (proxies: ProxyList, peer: string, header: string | string[] | undefined): string => {
  const hops = String(header ?? '').split(',');
  let nearest = peer;
  for (const hop of hops.reverse()) {
    const address = plainAddress(hop.trim());
    if (familyOf(address) === null) return nearest;
    nearest = address;
    if (!proxies.has(address)) return address;
  }
  return nearest;
};

const familyOf = (address: string): 'ipv4' | 'ipv6' | null => {
  const version = isIP(address);
  if (version === 0) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
};

/** IPv4 comes mapped into IPv6 on a socket that listens to both. */
const plainAddress = (address: string): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
