import { runTransportContract } from './transport-contract.ts';
import { createFakeWebrtcWorld } from './transport-webrtc-world.ts';

/** The worker's half of WebRTC, with pages and a server that exist in memory; `tests/browser` runs the same over real connections. */
runTransportContract({ name: 'webrtc over fake pages', createWorld: createFakeWebrtcWorld, hasServer: true });

/** Nobody shows an address: every pipe goes over the server, and must be all that a direct one is. */
runTransportContract({
  name: 'relayed pipes over a server in memory',
  createWorld: () => createFakeWebrtcWorld({ hides: true }),
  hasServer: true,
});
