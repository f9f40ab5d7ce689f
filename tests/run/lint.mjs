import { existsSync } from 'node:fs';
import { findNode24, toolScript } from './node24.mjs';
import { inProject, isMain, runMain } from './project.mjs';
import { summaryLine } from './summary.mjs';
import { runTools } from './tools.mjs';

const sources = ['src', 'workers', 'signaling', 'tests'];

/**
 * Every linter, each to its end: what one finds does not hide what the next would.
 * @param {{ path: string }} node
 */
export const lint = (node) =>
  runTools(node.path, [
    { name: 'oxlint', script: toolScript('oxlint'), args: [] },
    {
      name: 'imports (dependency-cruiser)',
      script: toolScript('dependency-cruiser', 'depcruise'),
      args: [...sources.filter((folder) => existsSync(inProject(folder))), '--config', '.dependency-cruiser.cjs'],
    },
    { name: 'house rules', script: inProject('tests', 'run', 'lint-house.mjs'), args: [] },
    { name: 'format (prettier)', script: toolScript('prettier'), args: ['--check', '--log-level', 'warn', '.'] },
  ]);

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const counts = await lint(findNode24());
    console.log(summaryLine(counts));
    return counts.failed === 0 ? 0 : 1;
  });
}
