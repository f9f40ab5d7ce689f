import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { findChromium } from '../run/chromium.mjs';

/** How a test runs its server and its browsers: directly, or inside a network namespace of its own. */
export type StreetNetwork = {
  readonly browserPath: string;
  command(program: string, args: string[]): { program: string; args: string[] };
  close(): void;
};

/** `linking`: devices can link; `no-route`: a machine without a default route, where Chromium gathers no address. */
export type NetworkWish = 'linking' | 'no-route';

/** Two runs on one machine must not share a namespace. */
const namespace = `hearthnet-e2e-${process.pid}`;

/**
 * Two browsers on one machine connect over what the machine's network gives. Where Chromium gathers no ICE candidate (a machine
 * without a default route), a namespace with one is made, as root, and the reason is printed.
 */
export const openStreetNetwork = async (wish: NetworkWish = 'linking'): Promise<StreetNetwork> => {
  const found = findChromium();
  if (!found) throw new Error('No Chromium was found: set CHROMIUM_PATH or install chromium.');
  if (wish === 'no-route') return inNamespace(found.path, false);
  const direct: StreetNetwork = {
    browserPath: found.path,
    command: (program, args) => ({ program, args }),
    close: () => {},
  };
  if (process.env.HEARTHNET_NETNS !== '1') {
    canLink ??= gathersCandidates(found.path);
    if (await canLink) return direct;
  }
  const reason =
    process.env.HEARTHNET_NETNS === '1'
      ? 'HEARTHNET_NETNS=1'
      : 'Chromium gathers no ICE candidate here (no default route?)';
  console.log(`e2e: ${reason}; using the network namespace ${namespace}.`);
  return inNamespace(found.path, true);
};

/** Looked at once a run: it costs the start of a browser. */
let canLink: Promise<boolean> | null = null;

/** Why no namespace can be made here; null when one can. */
export const namespaceObstacle = (): string | null => {
  if (process.getuid?.() !== 0) return 'a network namespace needs root';
  try {
    makeNamespace(false);
    ip('netns', 'del', namespace);
    return null;
  } catch (error) {
    return `no network namespace can be made: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
};

const inNamespace = (browserPath: string, hasRoute: boolean): StreetNetwork => {
  makeNamespace(hasRoute);
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-chromium-'));
  const wrapper = join(folder, 'chromium');
  writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${namespace} ${browserPath} "$@"\n`);
  chmodSync(wrapper, 0o755);
  return {
    browserPath: wrapper,
    command: (program, args) => ({ program: 'ip', args: ['netns', 'exec', namespace, program, ...args] }),
    close: () => {
      ip('netns', 'del', namespace);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** A loopback and one veth; with a route it is what a router without internet looks like, without one it is a lonely machine. */
const makeNamespace = (hasRoute: boolean): void => {
  const known = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  if (known.split(/\s+/).includes(namespace)) ip('netns', 'del', namespace);
  ip('netns', 'add', namespace);
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  if (!hasRoute) return;
  ip('-n', namespace, 'link', 'add', 'e0', 'type', 'veth', 'peer', 'name', 'e1');
  ip('-n', namespace, 'addr', 'add', '10.77.0.1/24', 'dev', 'e0');
  ip('-n', namespace, 'link', 'set', 'e0', 'up');
  ip('-n', namespace, 'link', 'set', 'e1', 'up');
  ip('-n', namespace, 'route', 'add', 'default', 'via', '10.77.0.2');
};

const gathersCandidates = async (executablePath: string): Promise<boolean> => {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    return await page.evaluate(async () => {
      const connection = new RTCPeerConnection({ iceServers: [] });
      connection.createDataChannel('probe');
      const complete = new Promise<void>((resolve) => {
        connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve();
        setTimeout(resolve, 3_000);
      });
      await connection.setLocalDescription(await connection.createOffer());
      await complete;
      const gathered = connection.localDescription?.sdp.includes('a=candidate') ?? false;
      connection.close();
      return gathered;
    });
  } finally {
    await browser.close();
  }
};
