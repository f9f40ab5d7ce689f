import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from '@playwright/test';
import encodeQR from 'qr';
import type { Resident } from './street.ts';
import { openLan, type Lan, type LanHost, type LanWish } from './lan-network.ts';

/** A person with a machine of their own in the network: the app on its localhost, and a browser. */
export type LanResident = Resident & {
  readonly url: string;
  readonly host: LanHost;
  /** Holds a QR code in front of this machine's camera. */
  show(text: string): void;
};

/** The production build on every machine's own localhost, and nothing else: no server, no internet. */
export const openLanStreet = async <Name extends string>(names: readonly Name[], wish: LanWish) => {
  const lan: Lan<Name> = openLan(names, wish);
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-lan-street-'));
  const contexts: BrowserContext[] = [];
  const processes: ChildProcess[] = [];

  /** Runs a program on a machine until it has said where it is to be found. */
  const start = async (host: LanHost, script: readonly string[], env: Readonly<Record<string, string>>) => {
    const { program, args } = host.command('node', script);
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(child);
    const url = await new Promise<string>((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = /HearthNet is on: (\S+)/.exec(output)?.[1];
        if (found) resolve(found.replace(/\/$/, ''));
      });
      child.once('exit', (code) => reject(new Error(`${script.join(' ')} ended with ${code}: ${output}`)));
    });
    return { url, child };
  };

  const move = async (name: Name, { camera = false, locale = 'en-US' } = {}): Promise<LanResident> => {
    const host = lan.hosts[name];
    const { url } = await start(host, ['tests/support/static-host.ts', 'build'], {});
    const film = join(folder, `${name}.y4m`);
    show(film, '');
    const cameraArgs = [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${film}`,
    ];
    const context = await chromium.launchPersistentContext(join(folder, `profile-${name}`), {
      executablePath: host.browserPath,
      args: ['--no-sandbox', ...(camera ? cameraArgs : [])],
      locale,
      viewport: { width: 390, height: 844 },
    });
    contexts.push(context);
    context.setDefaultTimeout(20_000);
    const page = context.pages()[0] ?? (await context.newPage());
    const complaints: string[] = [];
    context.on('weberror', (event) => complaints.push(event.error().message));
    return {
      name,
      url,
      host,
      context,
      page,
      complaints,
      foreignRequests: [],
      brokenRequests: [],
      show: (text) => show(film, text),
    };
  };

  return {
    lan,
    move,
    start,
    folder,
    close: async (): Promise<void> => {
      for (const context of contexts) await context.close();
      for (const child of processes) child.kill('SIGKILL');
      lan.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const side = 480;

/**
 * Writes what the camera sees: one picture that Chromium plays again and again. It is written over in place, so that what the camera
 * sees changes while it is on.
 */
const show = (file: string, text: string): void => {
  const picture = Buffer.alloc((side * side * 3) / 2, 128);
  picture.fill(235, 0, side * side);
  if (text !== '') {
    const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 4 });
    const scale = Math.floor(side / rows.length);
    const margin = Math.floor((side - scale * rows.length) / 2);
    rows.forEach((row, y) =>
      row.forEach((isDark, x) => {
        if (!isDark) return;
        for (let line = 0; line < scale; line++) {
          const from = (margin + y * scale + line) * side + margin + x * scale;
          picture.fill(16, from, from + scale);
        }
      }),
    );
  }
  const head = Buffer.from(`YUV4MPEG2 W${side} H${side} F10:1 Ip A1:1 C420jpeg\n`);
  const bytes = Buffer.concat([head, Buffer.from('FRAME\n'), picture, Buffer.from('FRAME\n'), picture]);
  const handle = openSync(file, text === '' ? 'w' : 'r+');
  writeSync(handle, bytes, 0, bytes.length, 0);
  closeSync(handle);
};
