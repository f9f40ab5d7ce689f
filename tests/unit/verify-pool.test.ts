import { describe, expect, it } from 'vitest';
import { createVerifyPool } from '../../src/lib/crypto/verify-pool.ts';
import { packVerifications, serveVerification, unpackVerifications } from '../../src/lib/crypto/verify-work.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

type Verify = Pick<CryptoPort, 'verify'>;

/** Says true of signatures that begin with 1; counts what it was asked. */
const countingVerify = (): Verify & { count: number } => {
  const counting = {
    count: 0,
    verify: async (_key: Uint8Array, _message: Uint8Array, signature: Uint8Array) => {
      counting.count += 1;
      return signature[0] === 1;
    },
  };
  return counting;
};

const checkAt = (at: number): [Uint8Array, Uint8Array, Uint8Array] => [
  Uint8Array.of(at, 7),
  new Uint8Array(at % 5).fill(at),
  Uint8Array.of(at % 3 === 0 ? 1 : 0, at),
];

describe('the verify pool', () => {
  it('gives every check its own verdict, whichever helper answers', async () => {
    const local = countingVerify();
    const remote = countingVerify();
    const clock = createVirtualClock(0);
    const opened: MessagePort[] = [];
    const pool = createVerifyPool({
      clock,
      local,
      openHelpers: () =>
        [0, 1].map(() => {
          const { port1, port2 } = new MessageChannel();
          serveVerification(port2, remote);
          opened.push(port1, port2);
          return port1;
        }),
    });
    const verdicts = await Promise.all(Array.from({ length: 100 }, (_, at) => pool.verify(...checkAt(at))));
    expect(verdicts).toEqual(Array.from({ length: 100 }, (_, at) => at % 3 === 0));
    expect(remote.count).toBe(100);
    expect(local.count).toBe(0);
    for (const port of opened) port.close();
  });

  it('does a few checks in the asking thread and opens no helper for them', async () => {
    const local = countingVerify();
    const clock = createVirtualClock(0);
    const pool = createVerifyPool({
      clock,
      local,
      openHelpers: () => {
        throw new Error('no helper is worth it');
      },
    });
    expect(await pool.verify(...checkAt(3))).toBe(true);
    expect(local.count).toBe(1);
  });

  it('makes the checks itself where no helper can be had', async () => {
    const local = countingVerify();
    const clock = createVirtualClock(0);
    const pool = createVerifyPool({ clock, local, openHelpers: () => [] });
    await Promise.all(Array.from({ length: 50 }, (_, at) => pool.verify(...checkAt(at))));
    expect(local.count).toBe(50);
  });

  it('gives up a helper that never answers, and loses no verdict', async () => {
    const local = countingVerify();
    const clock = createVirtualClock(0);
    const { port1, port2 } = new MessageChannel();
    const pool = createVerifyPool({ clock, local, openHelpers: () => [port1] });
    const asked = Promise.all(Array.from({ length: 40 }, (_, at) => pool.verify(...checkAt(at))));
    await Promise.resolve();
    clock.fireNext(limits.verifyHelperMs);
    expect(await asked).toEqual(Array.from({ length: 40 }, (_, at) => at % 3 === 0));
    expect(local.count).toBe(40);
    port2.close();
  });

  it('passes checks on byte by byte', () => {
    const checks = Array.from({ length: 20 }, (_, at) => {
      const [publicKey, message, signature] = checkAt(at);
      return { publicKey, message, signature };
    });
    expect(unpackVerifications(packVerifications(checks))).toEqual(checks);
  });
});
