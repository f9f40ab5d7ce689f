import type { PipePath } from '../kernel/ports/transport.ts';

/** Asks the browser for the way a connection takes: when it stands, a moment later, and when the way changes. */
export const watchPath = (connection: RTCPeerConnection, tell: (path: PipePath) => void): void => {
  const look = async (): Promise<void> => {
    if (connection.connectionState !== 'connected') return;
    const path = pathOf([...(await connection.getStats()).values()]);
    if (path) tell(path);
  };
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState !== 'connected') return;
    void look();
    // A better pair of addresses is often found just after the first one.
    setTimeout(() => void look(), settleMs);
    connection.sctp?.transport.iceTransport.addEventListener('selectedcandidatepairchange', () => void look());
  });
};

const settleMs = 3_000;

/**
 * The way in a connection's statistics (WebRTC's `RTCStatsReport`), null while no pair of addresses is in use. An address that the
 * browser keeps to itself was told by its name in the local network, so both ends are in it.
 */
export const pathOf = (stats: readonly unknown[]): PipePath | null => {
  const records = stats.filter(isRecord);
  const byId = new Map(records.map((record) => [record.id, record]));
  const selected = records.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const pair =
    byId.get(selected) ??
    records.find(({ type, state, nominated }) => type === 'candidate-pair' && state === 'succeeded' && nominated);
  const [local, remote] = [byId.get(pair?.localCandidateId), byId.get(pair?.remoteCandidateId)];
  if (!local || !remote) return null;
  const address = typeof remote.address === 'string' && !remote.address.endsWith('.local') ? remote.address : '';
  const shown = address === '' ? null : address;
  if (local.candidateType === 'relay' || remote.candidateType === 'relay') return { reach: 'turned', address: shown };
  return { reach: shown === null || isLocalAddress(shown) ? 'local' : 'direct', address: shown };
};

type StatsRecord = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is StatsRecord => typeof value === 'object' && value !== null;

/** Addresses that no router passes on to the internet (RFC 1918, 3927, 4193, 4291). Shared carrier addresses (RFC 6598) are none of them. */
export const isLocalAddress = (address: string): boolean =>
  /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address) ||
  /^(::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i.test(address.replace(/^\[|\]$/g, ''));
