#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { childEnv, findNode24 } from './node24.mjs';
import { inProject, isMain, projectDir, runMain } from './project.mjs';

/**
 * The conformance stream of docs/CONFORMANCE.md on this process's own stdin and stdout; with `check COMMAND ...` the golden vectors
 * against another implementation. Nothing of ours may stand on stdout beside the stream: npm is called with `--silent`.
 * @param {{ path: string }} node
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export const runConformance = (node, args) =>
  new Promise((resolve) => {
    const script = inProject('tests', 'conformance', 'main.ts');
    const child = spawn(node.path, [script, ...args], { cwd: projectDir, env: childEnv(node.path), stdio: 'inherit' });
    child.on('error', (failure) => {
      process.stderr.write(`${failure.message}\n`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  });

if (isMain(import.meta.url)) await runMain(() => runConformance(findNode24(), process.argv.slice(2)));
