import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { findChromium } from '../run/chromium.mjs';

/** How a test runs its server and its browsers: directly, or inside a network namespace of its own. */
export type StreetNetwork = { readonly browserPath: string; command(program: string, args: string[]): { program: string; args: string[] }; close(): void };

const namespace = 'hearthnet-e2e';

/**
 * Two browsers on one machine connect over what the machine's network gives. Where Chromium gathers no ICE candidate (a machine
 * without a default route), a namespace with one is made, as root, and the reason is printed.
 */
export const openStreetNetwork = async (): Promise<StreetNetwork> => {
  const found = findChromium();
  if (!found) throw new Error('No Chromium was found: set CHROMIUM_PATH or install chromium.');
  const direct: StreetNetwork = { browserPath: found.path, command: (program, args) => ({ program, args }), close: () => {} };
  if (process.env.HEARTHNET_NETNS !== '1' && (await gathersCandidates(found.path))) return direct;
  console.log(`e2e: Chromium gathers no ICE candidate here (no default route?); using the network namespace ${namespace}.`);
  makeNamespace();
  const wrapper = join(mkdtempSync(join(tmpdir(), 'hearthnet-chromium-')), 'chromium');
  writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${namespace} ${found.path} "$@"\n`);
  chmodSync(wrapper, 0o755);
  return {
    browserPath: wrapper,
    command: (program, args) => ({ program: 'ip', args: ['netns', 'exec', namespace, program, ...args] }),
    close: () => ip('netns', 'del', namespace),
  };
};

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** A loopback and one dummy interface that carries a default route: what a router without internet looks like. */
const makeNamespace = (): void => {
  const known = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  if (known.includes(namespace)) ip('netns', 'del', namespace);
  ip('netns', 'add', namespace);
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
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
