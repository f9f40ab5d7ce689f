import { bytesToHex, compareBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { PairAddress, PairFacts } from '../kernel/ports/pairing.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { readSdp, type SdpRefusal } from './webrtc-sdp.ts';

/** What a neighbour must know of the browser's own offer. Addresses within the network only, those that need no name first. */
export const readPairFacts = (offer: string): Result<PairFacts, SdpRefusal | 'no-ice-words'> => {
  const facts = readSdp(offer);
  if (!facts.ok) return facts;
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(offer)?.[1];
  const password = /^a=ice-pwd:(\S+)/m.exec(offer)?.[1];
  if (ufrag === undefined || password === undefined) return err('no-ice-words');
  const found = [...offer.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host/gim)];
  const addresses = found.map(([, host = '', port = '']): PairAddress => ({ host, port: Number(port) }));
  addresses.sort((a, b) => rank(a) - rank(b));
  return ok({ fingerprint: facts.value.fingerprint, ufrag, password, addresses });
};

/** Which of the two leads: begins DTLS and Hello. Both ends come to the same answer, from the certificates alone. */
export const leadsPair = (own: PairFacts, other: PairFacts): boolean =>
  compareBytes(own.fingerprint, other.fingerprint) < 0;

/**
 * The answer the other end would give to our offer, had it heard it. Both ends offer, each makes up the other's answer: ICE settles
 * by itself who of the two controls (RFC 8445 7.3.1.1), and the fingerprints say who begins DTLS.
 */
export const writePairAnswer = (own: PairFacts, other: PairFacts): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    ...other.addresses.map(
      ({ host, port }, at) => `a=candidate:${at + 1} 1 udp ${2_113_937_151 - at} ${host} ${port} typ host`,
    ),
    'a=end-of-candidates',
    `a=ice-ufrag:${other.ufrag}`,
    `a=ice-pwd:${other.password}`,
    `a=fingerprint:sha-256 ${bytesToHex(other.fingerprint)
      .toUpperCase()
      .replace(/..(?!$)/g, '$&:')}`,
    `a=setup:${leadsPair(own, other) ? 'passive' : 'active'}`,
    'a=mid:0',
    'a=sctp-port:5000',
    `a=max-message-size:${4 * limits.carrierMessageBytesMax}`,
    '',
  ].join('\r\n');

const rank = ({ host }: PairAddress): number => {
  if (host.endsWith('.local')) return 2;
  return host.includes(':') ? 1 : 0;
};
