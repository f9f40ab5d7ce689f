import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '../run/chromium.mjs';

/** One machine of the network, with an address of its own; what runs in it sees no other network. */
export type LanHost = {
  readonly address: string;
  readonly browserPath: string;
  command(program: string, args: readonly string[]): { readonly program: string; readonly args: string[] };
  /** Pulls the cable, and puts it back. */
  cut(): void;
  /** Nothing passes any more, and the machine has no way to notice: what is broken lies beyond its own cable. */
  silence(): void;
  heal(): void;
};

export type Lan<Name extends string> = {
  readonly hosts: { readonly [name in Name]: LanHost };
  close(): void;
};

/** `route`: a router without internet; `no-route`: nothing but a switch or an access point, where Chromium hides every address. */
export type LanWish = 'route' | 'no-route';

/** Two runs on one machine, and two networks of one run, must not share a namespace. */
let count = 0;

/**
 * Machines on one switch, made of network namespaces, as root. Nothing leads out of it. Each may hold a browser and a web host of its
 * own on localhost, so that every page is a secure one.
 */
export const openLan = <Name extends string>(names: readonly Name[], wish: LanWish): Lan<Name> => {
  const chromium = findChromium();
  if (!chromium) throw new Error('No Chromium was found: set CHROMIUM_PATH or install chromium.');
  const prefix = `hearthnet-lan-${process.pid}-${++count}`;
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-lan-'));
  const bridge = `${prefix}-switch`;
  const made = [bridge];
  const close = (): void => {
    for (const namespace of made) tryIp('netns', 'del', namespace);
    rmSync(folder, { recursive: true, force: true });
  };
  const makeHost = (name: Name, at: number): LanHost => {
    const namespace = `${prefix}-${name}`;
    const [cable, address] = [`c${at}`, `10.77.0.${at + 1}`];
    ip('netns', 'add', namespace);
    made.push(namespace);
    ip('-n', bridge, 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'e0', 'netns', namespace);
    ip('-n', bridge, 'link', 'set', cable, 'master', 'br0');
    ip('-n', bridge, 'link', 'set', cable, 'up');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'e0');
    ip('-n', namespace, 'link', 'set', 'e0', 'up');
    // The router: an address that nobody has.
    if (wish === 'route') ip('-n', namespace, 'route', 'add', 'default', 'via', '10.77.0.254');
    ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', 'e0');
    const browserPath = join(folder, `chromium-${name}`);
    writeFileSync(browserPath, `#!/bin/sh\nexec ip netns exec ${namespace} ${chromium.path} "$@"\n`);
    chmodSync(browserPath, 0o755);
    return {
      address,
      browserPath,
      command: (program, args) => ({ program: 'ip', args: ['netns', 'exec', namespace, program, ...args] }),
      cut: () => ip('-n', bridge, 'link', 'set', cable, 'down'),
      silence: () => ip('-n', bridge, 'link', 'set', cable, 'nomaster'),
      heal: () => ip('-n', bridge, 'link', 'set', cable, 'master', 'br0', 'up'),
    };
  };
  try {
    ip('netns', 'add', bridge);
    ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', bridge, 'link', 'set', 'br0', 'up');
    const hosts = Object.fromEntries(names.map((name, at) => [name, makeHost(name, at)])) as Record<Name, LanHost>;
    return { hosts, close };
  } catch (error) {
    close();
    throw error;
  }
};

const ip = (...args: readonly string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** Gone already is as good. */
const tryIp = (...args: readonly string[]): void => {
  try {
    ip(...args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
};
