import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { packVerifications, type Verification, type VerifyReply, type VerifyRequest } from './verify-work.ts';

export type VerifyPoolDeps = {
  readonly clock: Clock;
  /** Verifies what is too little to be worth the way to another thread, and everything a lost helper leaves. */
  readonly local: Pick<CryptoPort, 'verify'>;
  /** Asked once, when there is enough work for the first time: lines to threads that run `serveVerification`. None is allowed. */
  readonly openHelpers: () => readonly MessagePort[];
};

type Waiting = Verification & { readonly settle: (isTrue: boolean) => void; readonly fail: (error: unknown) => void };
type Helper = { readonly port: MessagePort; readonly batches: Map<number, readonly Waiting[]> };

/**
 * Signature checks on several threads. What is asked for in one turn of the event loop is cut into one batch a helper; a few
 * checks alone are done here. A helper that does not answer in time is given up and its checks are made here, so that a dead
 * thread costs time and never a verdict.
 */
export const createVerifyPool = ({ clock, local, openHelpers }: VerifyPoolDeps): Pick<CryptoPort, 'verify'> => {
  let helpers: Helper[] | null = null;
  let waiting: Waiting[] = [];
  let batchCount = 0;
  let cancelIdle = (): void => {};

  /** Helpers cost memory, and a long log comes in seldom: they end when nothing has been asked for a while. */
  const restSoon = (): void => {
    cancelIdle();
    cancelIdle = clock.after(limits.verifyIdleMs, () => {
      for (const { port } of helpers ?? []) {
        port.postMessage(null);
        port.close();
      }
      helpers = null;
    });
  };

  const verifyHere = (batch: readonly Waiting[]): void => {
    for (const { publicKey, message, signature, settle, fail } of batch)
      local.verify(publicKey, message, signature).then(settle, fail);
  };

  const giveUp = (helper: Helper): void => {
    helpers = helpers?.filter((each) => each !== helper) ?? null;
    helper.port.postMessage(null);
    helper.port.close();
    for (const batch of helper.batches.values()) verifyHere(batch);
    helper.batches.clear();
  };

  const open = (): Helper[] =>
    openHelpers().map((port) => {
      const helper: Helper = { port, batches: new Map() };
      port.addEventListener('message', ({ data }: MessageEvent<VerifyReply>) => {
        const batch = helper.batches.get(data.batch);
        helper.batches.delete(data.batch);
        batch?.forEach(({ settle }, at) => settle(data.verdicts[at] === 1));
      });
      port.start();
      return helper;
    });

  const send = (helper: Helper, batch: readonly Waiting[]): void => {
    const number = (batchCount += 1);
    const bytes = packVerifications(batch);
    const request: VerifyRequest = { batch: number, bytes };
    helper.batches.set(number, batch);
    helper.port.postMessage(request, [bytes.buffer]);
    clock.after(limits.verifyHelperMs, () => {
      if (helper.batches.has(number)) giveUp(helper);
    });
  };

  const flush = (): void => {
    const all = waiting;
    waiting = [];
    if (all.length < limits.verifyBatchMin) return verifyHere(all);
    helpers ??= open();
    const ready = helpers;
    if (ready.length === 0) return verifyHere(all);
    restSoon();
    const share = Math.ceil(all.length / ready.length);
    for (const [at, helper] of ready.entries()) {
      const batch = all.slice(at * share, (at + 1) * share);
      if (batch.length > 0) send(helper, batch);
    }
  };

  return {
    verify: (publicKey, message, signature) =>
      new Promise((settle, fail) => {
        if (waiting.length === 0) queueMicrotask(flush);
        waiting.push({ publicKey, message, signature, settle, fail });
      }),
  };
};

/** As many helpers as processors: the asking thread waits more than it works. None where there is only one. */
export const verifyHelperCount = (processors: number): number =>
  processors < 2 ? 0 : Math.min(limits.verifyHelpersMax, Math.floor(processors));
