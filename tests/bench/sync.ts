import { measureBrowsers } from './sync-browsers.ts';
import { measureNodes } from './sync-nodes.ts';
import { measureStockNodes } from './sync-stock.ts';
import { measureStreet } from './sync-street.ts';
import { note, type BenchResult } from './samples.ts';

/**
 * Sync beside stock y-webrtc 10.3. `late300kBOk` is true only when it held both in two browsers (texts compared through the
 * screen) and between two whole nodes over memory pipes (ids and digests compared). The 10,000-event figures and those of 20
 * peers are of whole nodes in this process over memory pipes; `yWebrtcMemory` is y-webrtc in this process over the same kind
 * of pipes, `yWebrtcBrowsers` the same totals over real WebRTC, two Chromium profiles, the same signalling server.
 */
export const run = async (): Promise<BenchResult> => {
  note('two nodes over memory pipes');
  const nodes = await measureNodes();
  note('20 nodes over memory pipes, virtual clock');
  const street = await measureStreet();
  note('y-webrtc over memory pipes');
  const stock = await measureStockNodes();
  note('two browsers: HearthNet, then y-webrtc');
  const browsers = await measureBrowsers();
  return {
    figures: {
      late300kBOk: nodes.late300kBOk && browsers.own.late300kBOk,
      late300kBOkNodes: nodes.late300kBOk,
      late300kBOkBrowsers: browsers.own.late300kBOk,
      late300kBMs: nodes.late300kBMs,
      late300kBBrowsersMs: browsers.own.late300kBMs,
      lateJoin10kMs: nodes.lateJoin10kMs,
      sync10kMs: nodes.sync10kMs,
      verify10kMs: nodes.verify10kMs,
      ...street,
    },
    peers: { yWebrtcBrowsers: browsers.stock, yWebrtcMemory: stock },
  };
};
