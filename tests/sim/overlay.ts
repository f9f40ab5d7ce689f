import { parseArgs } from 'node:util';
import { runOverlayStreet } from './overlay-street.ts';

/** `node tests/sim/overlay.ts [--nodes 50,500,5000] [--seed 1] [--minutes 10]`: how news spreads in large streets so many minutes after everybody came at once; one line of JSON for each size. */
const { values } = parseArgs({
  options: { nodes: { type: 'string' }, seed: { type: 'string' }, minutes: { type: 'string' } },
});
for (const nodes of (values.nodes ?? '50,500,5000').split(',').map(Number)) {
  const startedAt = performance.now();
  const figures = runOverlayStreet(nodes, Number(values.seed ?? 1), Number(values.minutes ?? 10) * 60_000);
  console.log(JSON.stringify({ ...figures, tookMs: Math.round(performance.now() - startedAt) }));
}
