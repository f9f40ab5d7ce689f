import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { openStreetNetwork, type StreetNetwork } from './street-network.ts';

/** One person's browser: a profile of its own on disk (a context is not a second machine), one page, and what its console said. */
export type Resident = { readonly name: string; readonly context: BrowserContext; readonly page: Page; readonly complaints: string[]; readonly foreignRequests: string[] };

export type ResidentOptions = { readonly locale?: string; readonly viewport?: { width: number; height: number }; readonly colorScheme?: 'light' | 'dark' };

/** The production build behind the real server, and residents in real Chromium. Nothing of it outlives `close`. */
export const openStreet = async () => {
  const network: StreetNetwork = await openStreetNetwork();
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-street-'));
  const residents: Resident[] = [];
  let server: ChildProcess | null = null;
  let url = '';

  /** Starts the server, on the port it had before if it ran before. */
  const startServer = async (): Promise<string> => {
    const { program, args } = network.command('node', ['signaling/main.ts']);
    const port = url ? new URL(url).port : '0';
    const child = spawn(program, args, { env: { ...process.env, PORT: port, HOST: 'localhost', DATA_DIR: join(folder, 'data') }, stdio: ['ignore', 'pipe', 'inherit'] });
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

  const move = async (name: string, options: ResidentOptions = {}): Promise<Resident> => {
    const context = await chromium.launchPersistentContext(join(folder, `profile-${name}`), {
      executablePath: network.browserPath,
      args: ['--no-sandbox'],
      locale: options.locale ?? 'en-US',
      viewport: options.viewport ?? { width: 390, height: 844 },
      ...(options.colorScheme ? { colorScheme: options.colorScheme } : {}),
    });
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(20_000);
    const resident: Resident = { name, context, page, complaints: [], foreignRequests: [] };
    listen(resident, () => url);
    residents.push(resident);
    return resident;
  };

  return {
    startServer,
    stopServer,
    move,
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

/** Chromium's own lines about fetches and sockets that failed while the server is off; everything else is ours. */
const isChromiumsOwn = (text: string): boolean => /net::ERR_|Failed to load resource|WebSocket connection to/.test(text);

const listen = ({ context, page, complaints, foreignRequests }: Resident, url: () => string): void => {
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !isChromiumsOwn(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  context.on('request', (request) => {
    const asked = new URL(request.url());
    if (['http:', 'https:'].includes(asked.protocol) && asked.origin !== new URL(url()).origin) foreignRequests.push(request.url());
  });
};
