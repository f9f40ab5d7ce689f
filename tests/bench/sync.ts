import { measureBrowsers } from './sync-browsers.ts';
import { measureNodes } from './sync-nodes.ts';
import { measureStockNodes } from './sync-stock.ts';
import { measureStreet } from './sync-street.ts';
import { note, type BenchResult } from './samples.ts';

/**
 * Sync beside stock y-webrtc 10.3. `late300kBOk` holds only when it held everywhere: in the app (texts on two screens), in the
 * same browsers on bench pages, and between nodes over memory pipes (ids and digests). The plain keys are those of whole nodes
 * in this process over memory pipes, beside `yWebrtcMemory`; `browsers` are whole nodes in two Chromium profiles over WebRTC,
 * beside `yWebrtcBrowsers`. The figures of 20 peers are counts, not times.
 */
export const run = async (): Promise<BenchResult> => {
  note('two nodes over memory pipes');
  const nodes = await measureNodes();
  note('20 nodes over memory pipes, virtual clock');
  const street = await measureStreet();
  note('y-webrtc over memory pipes; one minute of it is idle');
  const stockMemory = await measureStockNodes();
  const { app, own, stock } = await measureBrowsers();
  return {
    figures: {
      late300kBOk: nodes.late300kBOk && app.late300kBOk && own.late300kBOk,
      late300kBMs: nodes.late300kBMs,
      lateJoin10kMs: nodes.lateJoin10kMs,
      sync10kMs: nodes.sync10kMs,
      ...street,
      app,
      browsers: own,
    },
    peers: { yWebrtcMemory: stockMemory, yWebrtcBrowsers: stock, verifyOnly: { lateJoin10kMs: nodes.verify10kMs } },
  };
};
