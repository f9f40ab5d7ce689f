import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

/**
 * The plainest web host there is: files, index.html for folders, and 200.html as the page for everything that is not there.
 * It knows nothing of HearthNet, so what runs from here runs from any host.
 */
export const serveStaticFolder = async (folder: string): Promise<{ readonly url: string; close(): Promise<void> }> => {
  const read = async (path: string): Promise<{ body: Buffer; type: string } | null> => {
    const file = join(folder, normalize(path.endsWith('/') ? `${path}index.html` : path));
    const found = await stat(file).catch(() => null);
    return found?.isFile()
      ? { body: await readFile(file), type: mediaTypes[extname(file)] ?? 'application/octet-stream' }
      : null;
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const answer = async (): Promise<void> => {
      const found = await read(path);
      const page = found ?? (await read('/200.html'));
      response.writeHead(found ? 200 : 404, { 'content-type': page?.type ?? 'text/plain' });
      response.end(page?.body);
    };
    answer().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the static host has no port');
  return {
    url: `http://localhost:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
