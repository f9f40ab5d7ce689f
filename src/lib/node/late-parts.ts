import type * as Recovery from '../crypto/recovery.ts';
import type * as Export from './export.ts';
import { loadPart, type LoadPart } from './load-part.ts';
import type * as SelfTest from './self-test.ts';

export type LateParts = {
  /** The recovery card and its list of words. */
  readonly recovery: LoadPart<Pick<typeof Recovery, 'makeCard' | 'readCard'>>;
  /** One's data as a file, and what seals the keys in it. */
  readonly export: LoadPart<Pick<typeof Export, 'createExport'>>;
  readonly selfTest: LoadPart<Pick<typeof SelfTest, 'selfTestSteps'>>;
};

/**
 * What a node needs a few times in its life stands in files of its own, loaded when it is asked for: a phone compiles at every
 * start whatever the worker starts with. The service worker keeps these files too (vite.config.ts), so they are there offline.
 */
export const lateParts: LateParts = {
  recovery: () => loadPart(() => import('../crypto/recovery.ts')),
  export: () => loadPart(() => import('./export.ts')),
  selfTest: () => loadPart(() => import('./self-test.ts')),
};
