import { describe, expect, it } from 'vitest';
import { isLocalAddress, pathOf } from '../../src/lib/transports/webrtc-path.ts';

/** Statistics as a browser gives them, of a pair between a local and a remote candidate. */
const stats = (local: object, remote: object, pair: object = {}): readonly unknown[] => [
  { id: 'T', type: 'transport', selectedCandidatePairId: 'P2' },
  { id: 'P1', type: 'candidate-pair', state: 'succeeded', localCandidateId: 'X', remoteCandidateId: 'X' },
  { id: 'P2', type: 'candidate-pair', state: 'succeeded', localCandidateId: 'L', remoteCandidateId: 'R', ...pair },
  { id: 'L', type: 'local-candidate', candidateType: 'host', ...local },
  { id: 'R', type: 'remote-candidate', candidateType: 'host', ...remote },
];

describe('the way of a connection', () => {
  it('is the local network when the other end has one of its addresses, or one that the browser keeps to itself', () => {
    expect(pathOf(stats({}, { address: '192.168.1.7' }))).toEqual({ reach: 'local', address: '192.168.1.7' });
    expect(pathOf(stats({}, { address: 'fd12:3456::9' }))).toMatchObject({ reach: 'local' });
    expect(pathOf(stats({}, { address: '7d3f.local' }))).toEqual({ reach: 'local', address: null });
    expect(pathOf(stats({}, { candidateType: 'prflx', address: '' }))).toEqual({ reach: 'local', address: null });
  });

  it('is not called local between two public addresses, though both are the devices own', () => {
    expect(pathOf(stats({}, { address: '2001:db8::1' }))).toEqual({ reach: 'direct', address: '2001:db8::1' });
    expect(pathOf(stats({}, { candidateType: 'srflx', address: '203.0.113.4' }))).toMatchObject({ reach: 'direct' });
    expect(pathOf(stats({}, { address: '100.64.3.2' }))).toMatchObject({ reach: 'direct' });
  });

  it('goes through a helper server when either end does', () => {
    const far = { address: '203.0.113.4' };
    expect(pathOf(stats({ candidateType: 'relay' }, far))).toMatchObject({ reach: 'turned' });
    expect(pathOf(stats({}, { ...far, candidateType: 'relay' }))).toMatchObject({ reach: 'turned' });
  });

  it('is taken from the pair in use where a browser names no transport, and unknown while there is none', () => {
    const [, ...withoutTransport] = stats({}, { address: '10.0.0.2' }, { nominated: true });
    expect(pathOf(withoutTransport)).toEqual({ reach: 'local', address: '10.0.0.2' });
    expect(pathOf([])).toBeNull();
    expect(pathOf([null, 'x', { id: 'T', type: 'transport' }])).toBeNull();
  });

  it('knows the private address ranges and nothing beside them', () => {
    for (const address of ['10.1.2.3', '172.16.0.1', '172.31.9.9', '169.254.1.1', '127.0.0.1', '::1', 'fe80::1'])
      expect(`${address} ${isLocalAddress(address)}`).toBe(`${address} true`);
    for (const address of ['172.15.0.1', '172.32.0.1', '11.0.0.1', '192.169.1.1', 'fec0::1', '2a00::1', '1.10.0.1'])
      expect(`${address} ${isLocalAddress(address)}`).toBe(`${address} false`);
  });
});
