/**
 * Every bound of the system (`bounds.ts`). A namespace and no object, so that a bundler writes each bound where it is used and leaves
 * the others out: 3 kB gz of the node worker.
 */
export * as limits from './bounds.ts';
