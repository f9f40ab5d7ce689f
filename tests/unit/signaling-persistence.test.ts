import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { joinMesh, makeKey, someBytes, textBytes, type MeshClient, type TestKey } from './mesh-fixture.ts';
import { createFolder } from './signaling-fixture.ts';

const folders: { remove(): void }[] = [];
const running: ServerProcess[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.kill();
  for (const folder of folders.splice(0)) folder.remove();
});

const makeFolder = (): string => {
  const folder = createFolder();
  folders.push(folder);
  return folder.path;
};

const start = async (dataDir: string, env: Record<string, string> = {}) => {
  const server = startServerProcess({ DATA_DIR: dataDir, HOST: '127.0.0.1', ...env });
  running.push(server);
  const url = await server.url;
  return { url, meshUrl: `${url.replace('http', 'ws')}/mesh`, kill: server.kill };
};

const put = async (client: MeshClient, box: TestKey, request: number, word: string): Promise<void> => {
  client.send({ type: 'put', request, box: box.id, keepSeconds: 3600, item: textBytes(word) });
  await client.expect('kept');
};

const take = async (client: MeshClient, box: TestKey, cursor = '') => {
  client.send({ type: 'take', request: 1, box: box.id, cursor, most: 64 });
  const mail = await client.expect('mail');
  return { words: mail.items.map((item) => Buffer.from(item).toString()), cursor: mail.cursor };
};

describe('relay_hub_persistence', () => {
  it('a server killed with SIGKILL and started again still knows who met where, and every item it said it kept', async () => {
    const [dataDir, street, box] = [makeFolder(), someBytes(32), makeKey()];
    const before = await start(dataDir);
    const anna = await joinMesh(before.meshUrl, { tags: [street], boxes: [box] });
    await joinMesh(before.meshUrl, { tags: [street] });
    for (let index = 1; index <= 20; index++) await put(anna, box, index, `item ${index}`);
    const early = await take(anna, box);
    await put(anna, box, 21, 'item 21');
    await before.kill('SIGKILL');

    const after = await start(dataDir);
    const chen = await joinMesh(after.meshUrl, { boxes: [box] });
    chen.send({ type: 'meet', tag: street });
    // Anna and bora are away; chen, who is new, is the one who is here.
    expect((await chen.expect('met')).away).toBe(2);
    expect((await take(chen, box)).words).toEqual(Array.from({ length: 21 }, (_, index) => `item ${index + 1}`));
    expect((await take(chen, box, early.cursor)).words).toEqual(['item 21']);
  });

  it('a server whose data file was deleted gives mail from the beginning to an old cursor', async () => {
    const box = makeKey();
    const before = await start(makeFolder());
    const anna = await joinMesh(before.meshUrl, { boxes: [box] });
    for (let index = 1; index <= 5; index++) await put(anna, box, index, `old ${index}`);
    const { cursor } = await take(anna, box);
    await before.kill('SIGKILL');

    const after = await start(makeFolder());
    const again = await joinMesh(after.meshUrl, { boxes: [box] });
    await put(again, box, 1, 'new 1');
    expect((await take(again, box, cursor)).words).toEqual(['new 1']);
  });

  it('a data file of the first version is taken over as it stands', async () => {
    const dataDir = join(makeFolder(), 'data');
    mkdirSync(dataDir);
    const old = new DatabaseSync(join(dataDir, 'hearthnet.sqlite'));
    old.exec(
      `CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
       INSERT INTO meta VALUES ('created', 1234), ('starts', 7); PRAGMA user_version = 1`,
    );
    old.close();
    const { url, meshUrl } = await start(dataDir);
    const box = makeKey();
    const anna = await joinMesh(meshUrl, { boxes: [box] });
    await put(anna, box, 1, 'one');
    expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ created: 1234, starts: 8 });
  });
});
