import type { Neighbour, Ways, WayState } from '../../contracts/mesh.ts';
import type { Transport } from '../../kernel/ports/transport.ts';

type TransportState = ReturnType<Transport['state']>;

/** What there is to reach neighbours by, and how each way stands. Nothing is called open that has not shown itself. */
export const waysOf = (transport: TransportState, neighbours: readonly Neighbour[], hidesAddress: boolean): Ways => ({
  server: serverWay(transport.servers),
  neighbours: neighboursWay(neighbours),
  lan: lanWay(transport, neighbours, hidesAddress),
  radio: 'off',
  pair: transport.isAvailable && !hidesAddress ? 'open' : 'off',
});

const serverWay = (servers: TransportState['servers']): WayState => {
  const states = new Set(servers.map(({ state }) => state));
  if (states.has('open')) return 'open';
  if (states.has('connecting')) return 'trying';
  return states.has('lost') ? 'lost' : 'off';
};

/** lost: somebody was heard since this node started, and nobody is near now. */
const neighboursWay = (neighbours: readonly Neighbour[]): WayState => {
  if (neighbours.length === 0) return 'off';
  if (neighbours.some(({ state }) => state !== 'away')) return 'open';
  return neighbours.some(({ lastHeardAt }) => lastHeardAt !== null) ? 'lost' : 'trying';
};

const lanWay = (
  { isAvailable, candidates }: TransportState,
  neighbours: readonly Neighbour[],
  hidesAddress: boolean,
): WayState => {
  if (!isAvailable || hidesAddress) return 'off';
  if (neighbours.some(({ way }) => way === 'local')) return 'open';
  return candidates === 'none' ? 'lost' : 'trying';
};
