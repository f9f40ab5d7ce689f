import { childEnv, findNode24, toolScript } from './node24.mjs';
import { isMain, runMain } from './project.mjs';
import { runStep } from './step.mjs';
import { fails, summaryLine } from './summary.mjs';
import { runTools } from './tools.mjs';

/**
 * Types of the pages, the workers, and everything that Node runs. All three run even if the first has something to say.
 * @param {{ path: string }} node
 */
export const check = async (node) => {
  const sync = await runStep(node.path, [toolScript('@sveltejs/kit', 'svelte-kit'), 'sync'], {
    env: childEnv(node.path),
    limitMs: 120_000,
    show: 'keep',
  });
  if (sync.code !== 0) {
    process.stdout.write(sync.output);
    return fails('svelte-kit sync failed, so no type could be checked.');
  }
  const tsc = toolScript('typescript', 'tsc');
  return runTools(node.path, [
    {
      name: 'pages (svelte-check)',
      script: toolScript('svelte-check'),
      args: ['--tsconfig', 'tsconfig.json', '--fail-on-warnings', '--output', 'human'],
    },
    { name: 'workers (tsc)', script: tsc, args: ['-p', 'tsconfig.workers.json'] },
    { name: 'server and tests (tsc)', script: tsc, args: ['-p', 'tsconfig.node.json'] },
  ]);
};

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const counts = await check(findNode24());
    console.log(summaryLine(counts));
    return counts.failed === 0 ? 0 : 1;
  });
}
