import { spawn } from 'node:child_process';

/** `node signaling/main.ts` as a person would start it, with nothing but the given environment. */
export const startServerProcess = (env: Record<string, string>, prefix: readonly string[] = []): ServerProcess => {
  const [command = process.execPath, ...args] = [...prefix, process.execPath, 'signaling/main.ts'];
  const child = spawn(command, args, { env: { PORT: '0', ...env }, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      const found = /HearthNet is on: (\S+)\n[^]*status/.exec(stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`it ended without a URL: ${stderr}`)));
  });
  // A test that expects the end does not look at the URL.
  url.catch(() => 'ended');
  child.stderr.on('data', (chunk) => void (stderr += String(chunk)));
  const kill = async (signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' = 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { ended, url, stdout: () => stdout, stderr: () => stderr, kill, signal: (name) => void child.kill(name) };
};

export type ServerProcess = {
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** Rejects when the process ends before it listens. */
  readonly url: Promise<string>;
  stdout(): string;
  stderr(): string;
  /** Resolves when it has ended. */
  kill(signal?: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<void>;
  signal(name: 'SIGTERM' | 'SIGINT'): void;
};
