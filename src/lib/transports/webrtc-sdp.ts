import { limits } from '../kernel/limits.ts';
import { err, ok, type Result } from '../kernel/result.ts';

export type SdpFacts = {
  /** SHA-256 of the DTLS certificate of whoever is described. */
  readonly fingerprint: Uint8Array<ArrayBuffer>;
  readonly candidateCount: number;
};
export type SdpRefusal =
  | 'too-many-lines'
  | 'not-data-only'
  | 'no-fingerprint'
  | 'fingerprint-malformed'
  | 'fingerprints-differ'
  | 'too-many-candidates';

/**
 * What must be known of a session description (RFC 8866) before a browser is given it. It may describe one data section and
 * nothing else (no camera, no microphone), and exactly one certificate by SHA-256: a second one would leave open which of
 * them the carrier's binding speaks of.
 */
export const readSdp = (sdp: string): Result<SdpFacts, SdpRefusal> => {
  const lines = sdp.split(/\r\n|\n|\r/);
  if (lines.length > limits.sdpLinesMax) return err('too-many-lines');
  const media = lines.filter((line) => line.startsWith('m='));
  if (media.length !== 1 || media[0]?.startsWith('m=application ') !== true) return err('not-data-only');
  const candidateCount = lines.filter((line) => line.startsWith('a=candidate:')).length;
  if (candidateCount > limits.sdpCandidatesMax) return err('too-many-candidates');
  const fingerprints = new Set(
    lines.filter((line) => line.startsWith('a=fingerprint:')).map((line) => line.toLowerCase()),
  );
  const [line] = fingerprints;
  if (line === undefined) return err('no-fingerprint');
  if (fingerprints.size > 1) return err('fingerprints-differ');
  const hex = /^a=fingerprint:sha-256 ([0-9a-f]{2}(?::[0-9a-f]{2}){31})$/.exec(line)?.[1];
  if (hex === undefined) return err('fingerprint-malformed');
  return ok({ fingerprint: Uint8Array.from(hex.split(':'), (byte) => Number.parseInt(byte, 16)), candidateCount });
};
