import { note, rounded, type BenchResult } from './samples.ts';
import { measureFuzz } from './server-fuzz.ts';
import { measureIdle } from './server-idle.ts';
import { measureOurJoins, measureStockJoins } from './server-joins.ts';
import { startEcho, startOurs, startStock, type BenchServer } from './server-processes.ts';
import { measureDelay, measureRate, rigEcho, rigOurs, type DelayFigures, type Rig } from './server-relay.ts';

const rateMs = 4_000;
const delayMs = 5_000;
const delayPerS = 10_000;
const rounds = 3;

/**
 * The real server process with its production limits, and real sockets. `sockets` are idle ones that joined and met, with `rssMb`
 * while they stand: as many of 20,000 as this system lets one process hold. Joins beside y-webrtc's own server; the relay beside a bare
 * `ws` echo in the same run, with the same lines and messages as long: `relayOverEcho`, and delays at 10,000 messages a second.
 * `fuzzFramesSurvived` is 0 when the server or the two honest people in the middle of it did not.
 * Args: idle sockets (20,000), fuzz frames (1,000,000).
 */
export const run = async (args: readonly string[]): Promise<BenchResult> => {
  const [idle, fuzz] = [Number(args[0] ?? 20_000), Number(args[1] ?? 1_000_000)];
  note('500 join one place');
  const joins = await withServer(startOurs, (server) => measureOurJoins(server, 500));
  const stock = await withServer(startStock, (server) => measureStockJoins(server, 500));
  note('words passed on, and a bare echo');
  const relay = await measureBoth();
  note(`${fuzz} frames that nobody honest sends`);
  const fuzzed = await withServer(startOurs, (server) => measureFuzz(server, fuzz));
  note(`${idle} idle sockets`);
  // Longer than two rounds of pings of the server.
  const idled = await withServer(startOurs, (server) => measureIdle(server, idle, 55_000));
  return {
    figures: {
      sockets: idled.stillOpen,
      socketsWanted: idled.wanted,
      rssMb: rounded(idled.rssMb, 0),
      rssBeforeMb: rounded(idled.rssBeforeMb, 0),
      joinDeliveries500: joins.deliveries,
      joins500Ms: rounded(joins.ms, 0),
      relayPerS: rounded(relay.oursPerS, 0),
      relayOverEcho: rounded(relay.oursPerS / relay.echoPerS, 2),
      p99Ms: rounded(relay.ours.p99Ms),
      lostAt10000PerS: relay.ours.lost,
      fuzzFramesSurvived: fuzzed.isAlive && fuzzed.honestLost === 0 ? fuzzed.frames : 0,
      fuzzRssGrowthMb: rounded(fuzzed.rssGrowthMb, 0),
    },
    peers: {
      yWebrtcServer: { joinDeliveries500: stock.deliveries, joins500Ms: rounded(stock.ms, 0) },
      wsEcho: { perS: rounded(relay.echoPerS, 0), p99Ms: rounded(relay.echo.p99Ms) },
    },
  };
};

/** Turn by turn, so that whatever else the machine does hits both alike; the better of some rounds each. */
const measureBoth = async () => {
  const [ours, echo] = [await startOurs(), await startEcho()];
  try {
    const [oursRig, echoRig] = [await rigOurs(ours), await rigEcho(echo)];
    const rate = { ours: 0, echo: 0 };
    for (let round = 0; round < rounds; round++) {
      rate.echo = Math.max(rate.echo, await measureRate(echoRig, rateMs));
      rate.ours = Math.max(rate.ours, await measureRate(oursRig, rateMs));
    }
    let [echoDelay, oursDelay] = [await delayOf(echoRig), await delayOf(oursRig)];
    for (let round = 1; round < rounds; round++) {
      echoDelay = better(echoDelay, await delayOf(echoRig));
      oursDelay = better(oursDelay, await delayOf(oursRig));
    }
    for (const rig of [oursRig, echoRig]) rig.close();
    return { oursPerS: rate.ours, echoPerS: rate.echo, ours: oursDelay, echo: echoDelay };
  } finally {
    await Promise.all([ours.stop(), echo.stop()]);
  }
};

const delayOf = (rig: Rig): Promise<DelayFigures> => measureDelay(rig, delayPerS, delayMs);
const better = (one: DelayFigures, other: DelayFigures): DelayFigures => (one.p99Ms <= other.p99Ms ? one : other);

const withServer = async <T>(
  start: () => Promise<BenchServer>,
  measure: (server: BenchServer) => Promise<T>,
): Promise<T> => {
  const server = await start();
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
};
