import { spawn } from 'node:child_process';
import { build } from './build.mjs';
import { childEnv, findNode24 } from './node24.mjs';
import { inProject, projectDir, runMain, whenOrphaned } from './project.mjs';
import { setUp } from './setup.mjs';

/** A server that does not close by itself is killed after this, so that we end within two seconds of SIGTERM. */
const closeMaxMs = 1_500;

/** `npm start`: installs, builds, then serves app, signalling and relay until it is told to end. */
const start = async () => {
  await setUp();
  const node = findNode24();
  const { id } = await build(node);
  console.log(`HearthNet ${id}, on Node ${node.version}.`);
  return serve(node.path, id);
};

/**
 * @param {string} node
 * @param {string} id
 * @returns {Promise<number>} the server's exit code
 */
const serve = (node, id) =>
  new Promise((resolve) => {
    const child = spawn(node, [inProject('signaling', 'main.ts'), ...process.argv.slice(2)], {
      cwd: projectDir,
      env: childEnv(node, { HEARTHNET_BUILD: id }),
      stdio: 'inherit',
    });
    /** @type {NodeJS.Timeout | undefined} */
    let patience;
    /** @param {NodeJS.Signals} signal */
    const pass = (signal) => {
      // From a terminal the server has had Ctrl-C itself; a second one would mean "at once" to it.
      if (signal === 'SIGTERM' || process.stdin.isTTY !== true) child.kill(signal);
      patience ??= setTimeout(() => child.kill('SIGKILL'), closeMaxMs);
    };
    process.on('SIGTERM', pass);
    process.on('SIGINT', pass);
    whenOrphaned(() => pass('SIGTERM'));
    process.on('exit', () => child.kill('SIGKILL'));
    child.on('error', (failure) => {
      process.stderr.write(`The server could not be started: ${failure.message}\n`);
      resolve(1);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(patience);
      // Ended as told is a good end.
      resolve(code ?? (signal === 'SIGTERM' || signal === 'SIGINT' ? 0 : 1));
    });
  });

await runMain(start);
