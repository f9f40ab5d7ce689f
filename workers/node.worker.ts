import type { HearthNode } from '../src/lib/node/create-node.ts';
import type { FromNodeWorker, ToNodeWorker } from '../src/lib/node/init-message.ts';
import { runNode } from '../src/lib/node/run-node.ts';

/** The node's thread: starts it once, passes on that the page woke, and tells the page what went wrong. */
const report = (message: FromNodeWorker, transfer: Transferable[] = []): void => postMessage(message, { transfer });
const reportTrouble = (error: unknown): null => {
  report({ type: 'trouble', detail: error instanceof Error ? error.message : String(error) });
  return null;
};

let running: Promise<HearthNode | null> | null = null;
addEventListener('message', ({ data }: MessageEvent<ToNodeWorker>) => {
  if (data.type === 'wake') return void running?.then((node) => node?.wake());
  running ??= runNode(data, report).catch(reportTrouble);
});
addEventListener('unhandledrejection', ({ reason }) => reportTrouble(reason));
