import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { openStreetNetwork, type NetworkWish, type StreetNetwork } from './street-network.ts';

/**
 * One person's browser: a profile of its own on disk (a context is not a second machine), one page, and what its pages said.
 * `brokenRequests` are the addresses that were asked for and not answered.
 */
export type Resident = {
  readonly name: string;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly complaints: string[];
  readonly foreignRequests: string[];
  readonly brokenRequests: string[];
};

export type ResidentOptions = {
  readonly locale?: string;
  readonly viewport?: { width: number; height: number };
  readonly colorScheme?: 'light' | 'dark';
  readonly reducedMotion?: 'reduce' | 'no-preference';
  /** Further switches of Chromium. */
  readonly browserArgs?: readonly string[];
  /** Where the app comes from when it is not the street's server; requests elsewhere count as foreign. */
  readonly origin?: string;
};

export type StreetOptions = {
  readonly network?: NetworkWish;
  /** What the server finds in its environment beside PORT, HOST and DATA_DIR. */
  readonly environment?: Readonly<Record<string, string>>;
};

/** The production build behind the real server, and residents in real Chromium. Nothing of it outlives `close`. */
export const openStreet = async (options: StreetOptions = {}) => {
  const network: StreetNetwork = await openStreetNetwork(options.network);
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-street-'));
  const residents: Resident[] = [];
  let server: ChildProcess | null = null;
  let url = '';

  /** Starts the server, on the port it had before if it ran before. */
  const startServer = async (): Promise<string> => {
    const { program, args } = network.command('node', ['signaling/main.ts']);
    const own = { PORT: url ? new URL(url).port : '0', HOST: 'localhost', DATA_DIR: join(folder, 'data') };
    const env = { ...process.env, ...options.environment, ...own };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    server = child;
    url = await new Promise<string>((resolve, reject) => {
      let output = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = /HearthNet is on: (\S+)/.exec(output)?.[1];
        if (found) resolve(found.replace(/\/$/, ''));
      });
      child.once('exit', (code) => reject(new Error(`the server ended with code ${code}: ${output}`)));
    });
    return url;
  };

  const stopServer = async (): Promise<void> => {
    const child = server;
    server = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };

  /** Opens the browser of a person. Who has moved out and comes back finds the old profile again. */
  const move = async (name: string, wish: ResidentOptions = {}): Promise<Resident> => {
    const context = await chromium.launchPersistentContext(join(folder, `profile-${name}`), {
      executablePath: network.browserPath,
      args: ['--no-sandbox', ...(wish.browserArgs ?? [])],
      locale: wish.locale ?? 'en-US',
      viewport: wish.viewport ?? { width: 390, height: 844 },
      ...(wish.colorScheme ? { colorScheme: wish.colorScheme } : {}),
      ...(wish.reducedMotion ? { reducedMotion: wish.reducedMotion } : {}),
    });
    context.setDefaultTimeout(20_000);
    const page = context.pages()[0] ?? (await context.newPage());
    const resident: Resident = { name, context, page, complaints: [], foreignRequests: [], brokenRequests: [] };
    listen(resident, () => wish.origin ?? new URL(url).origin);
    residents.push(resident);
    return resident;
  };

  return {
    startServer,
    stopServer,
    move,
    /** Closes a person's whole browser; the profile stays on disk. */
    moveOut: ({ context }: Resident): Promise<void> => context.close(),
    /** Copies the profile of somebody who has moved out, keys and all, as a backup or a cloned disk does. */
    copyProfile: (from: string, to: string): void =>
      cpSync(join(folder, `profile-${from}`), join(folder, `profile-${to}`), { recursive: true }),
    url: () => url,
    close: async (): Promise<void> => {
      for (const { context } of residents) await context.close();
      await stopServer();
      network.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
export type Street = Awaited<ReturnType<typeof openStreet>>;

/** Another tab of the same browser; `page` is the new one, all else is shared. */
export const openTab = async (resident: Resident): Promise<Resident> => ({
  ...resident,
  page: await resident.context.newPage(),
});

/** Ends a tab as a crash does: its page and its workers are gone at once and nobody is told. */
export const crashTab = async ({ context, page }: Resident): Promise<void> => {
  const devtools = await context.newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  // The answer never comes: who would send it is dead.
  devtools.send('Page.crash').catch(() => undefined);
  await crashed;
};

/**
 * Chromium's own lines: about fetches and sockets that failed while the server is off, and that a header of the server means
 * nothing on an address it does not trust. Everything else is ours.
 */
const isChromiumsOwn = (text: string): boolean =>
  /net::ERR_|Failed to load resource|WebSocket connection to/.test(text);

const listen = ({ context, complaints, foreignRequests, brokenRequests }: Resident, origin: () => string): void => {
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !isChromiumsOwn(message.text()))
      complaints.push(message.text());
  });
  context.on('weberror', (event) => complaints.push(event.error().message));
  context.on('request', (request) => {
    const asked = new URL(request.url());
    if (['http:', 'https:'].includes(asked.protocol) && asked.origin !== origin()) foreignRequests.push(request.url());
  });
  context.on('requestfailed', (request) => {
    // A page that is left gives up what it was still asking for.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') brokenRequests.push(request.url());
  });
};
