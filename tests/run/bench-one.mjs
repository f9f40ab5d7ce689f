import { cpus, totalmem } from 'node:os';
import { pathToFileURL } from 'node:url';

/**
 * Runs one bench in this process and sends `{machine, figures, peers}` to bench.mjs.
 * A bench is a module with `run(args: string[])`, which returns `{figures, peers}`.
 */
const [script = '', ...args] = process.argv.slice(2);
const { run } = await import(pathToFileURL(script).href);
const { figures, peers } = await run(args);
const cores = cpus();
const machine = {
  cpu: cores[0]?.model.trim() ?? 'unknown',
  cores: cores.length,
  memoryGb: Math.round(totalmem() / 1024 ** 3),
  system: `${process.platform} ${process.arch}`,
  node: process.version,
};
// A bench may leave sockets or a browser behind; its figures are in, so nothing is waited for.
process.send?.({ machine, figures, peers }, () => process.exit(0));
