#!/usr/bin/env node
import { childEnv, findNode24 } from './node24.mjs';
import { inProject, isMain, runMain } from './project.mjs';
import { runStep } from './step.mjs';

const limitMs = 2 * 60_000;

/**
 * Writes the schemas of all contracts: static/schemas/capabilities.json for everybody, src/lib/contracts/schema-hashes.ts for the
 * node. A published schema that changed under the version it has is refused; `--accept` takes it (before the first release only),
 * `--check` writes nothing.
 * @param {{ path: string }} node
 * @param {string[]} flags
 */
export const writeSchemas = async (node, flags) => {
  const script = inProject('tests', 'conformance', 'write-schemas.ts');
  const step = await runStep(node.path, [script, ...flags], { env: childEnv(node.path), limitMs, show: 'both' });
  return step.timedOut ? 1 : step.code;
};

if (isMain(import.meta.url)) await runMain(() => writeSchemas(findNode24(), process.argv.slice(2)));
