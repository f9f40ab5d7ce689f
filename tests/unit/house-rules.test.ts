import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findBreaches } from '../run/lint-house.mjs';
import { toolScript } from '../run/node24.mjs';

const folder = mkdtempSync(join(tmpdir(), 'hearthnet-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (files: Record<string, string>): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
};

describe('house rules', () => {
  const rulesOf = (path: string, text: string) =>
    findBreaches([{ path, text }]).map(({ line, rule }) => `${line} ${rule}`);

  it('find each breach at its line, and none in comments', () => {
    expect(rulesOf('src/lib/log/a.ts', '// Date.now() is banned\n/* Math.random */\nconst at = Date.now();\n')).toEqual(
      ['3 injected'],
    );
    expect(rulesOf('src/lib/node/a.ts', 'const at = Date.now();\n')).toEqual([]);
    expect(rulesOf('src/lib/ui/A.svelte', '<p>\n{@html text}</p>')).toEqual(['2 no-html']);
    expect(rulesOf('src/lib/node/a.ts', 'console.log(1)')).toEqual(['1 no-console']);
    expect(rulesOf('src/lib/kernel/peer-utils.ts', '')).toEqual(['1 name']);
    expect(rulesOf('workers/a.ts', 'x\n'.repeat(301))).toEqual(['301 length']);
    const body = 'f();\n'.repeat(70);
    expect(rulesOf('workers/a.ts', `const a = () => {\n${body}};\n`)).toEqual(['1 function']);
    expect(rulesOf('workers/a.ts', `const a = () => {\nconst b = () => {\n${body.slice(25)}};\n};\n`)).toEqual([]);
    expect(rulesOf('docs/a.md', `cd /${'root'}/x, ../work/x, a/work/y`)).toEqual(['1 machine-path']);
    expect(rulesOf('docs/a.md', `https://${'registry'}.example.org/x`)).toEqual(['1 registry-host']);
  });

  it('compare the languages by key and placeholder', () => {
    const english = { path: 'src/lib/i18n/messages/en/chat.json', text: '{\n"a": "Hello {name}",\n"b": "B"\n}' };
    const german = { path: 'src/lib/i18n/messages/de/chat.json', text: '{\n"a": "Hallo {nam}",\n"c": "C"\n}' };
    expect(findBreaches([english, german]).map(({ path, line }) => `${path}:${line}`)).toEqual([
      `${english.path}:3`,
      `${german.path}:2`,
      `${german.path}:3`,
    ]);
    expect(findBreaches([english]).map(({ sentence }) => sentence)).toEqual([`${german.path} is missing.`]);
  });
});

describe('import rules', () => {
  /** One file a rule, each importing what its rule forbids. */
  const breaches: Record<string, [file: string, imports: string]> = {
    D1: ['src/lib/kernel/a.ts', '../contracts/a.ts'],
    D2: ['src/lib/contracts/b.ts', '../log/a.ts'],
    'D3-log': ['src/lib/log/b.ts', '../state/a.ts'],
    'D3-mesh': ['src/lib/mesh/b.ts', '../services/market.ts'],
    'D3-replica': ['src/lib/replica/b.ts', '../stores/a.ts'],
    'D3-types': ['src/lib/search/b.ts', '../contracts/a.ts'],
    D4: ['src/lib/services/ask.ts', '../stores/a.ts'],
    'D4-sibling': ['src/lib/services/chat.ts', './market.ts'],
    'D5-transports': ['src/lib/transports/b.ts', '../services/market.ts'],
    'D6-yjs': ['src/lib/state/y.ts', 'yjs'],
    D7: ['src/lib/state/d.ts', '../stores/a.ts'],
    'D8-ui': ['src/lib/ui/d.ts', '../state/a.ts'],
    'D8-routes': ['src/routes/d.ts', '../lib/log/a.ts'],
    D9: ['src/lib/state/w.ts', '../../../workers/a.ts'],
    'D10-signaling': ['signaling/b.ts', '../src/lib/kernel/b.ts'],
    'D10-wire': ['src/lib/kernel/wire/b.ts', '../b.ts'],
    D11: ['src/lib/log/c.ts', './index.ts'],
    'no-cycle': ['src/lib/kernel/c.ts', './c.ts'],
    resolves: ['src/lib/kernel/d.ts', './absent.ts'],
  };
  const targets = [
    'contracts/a',
    'log/a',
    'log/index',
    'crypto/a',
    'stores/a',
    'services/market',
    'state/a',
    'kernel/b',
    'node/a',
  ];

  it('each turns red when it is broken', { timeout: 60_000 }, () => {
    write({
      ...Object.fromEntries(targets.map((path) => [`src/lib/${path}.ts`, 'export const a = 1;\n'])),
      ...Object.fromEntries(
        Object.values(breaches).map(([file, path]) => [file, `import * as b from '${path}';\nexport const c = b;\n`]),
      ),
      'src/routes/e.ts': "export * from '../lib/node/a.ts';\n",
      'src/routes/f.ts': "export * from '../lib/node/a.ts';\n",
      'workers/a.ts': 'export const a = 1;\n',
      'node_modules/yjs/package.json': '{"name": "yjs", "version": "1.0.0", "main": "index.js"}',
      'node_modules/yjs/index.js': 'module.exports = 1;\n',
    });
    const config = resolve('.dependency-cruiser.cjs');
    const args = ['src', 'workers', 'signaling', '--config', config, '--output-type', 'json'];
    const cruised = spawnSync(process.execPath, [toolScript('dependency-cruiser', 'depcruise'), ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
    const violations: Array<{ from: string; rule: { name: string } }> = JSON.parse(cruised.stdout).summary.violations;
    const found = violations.map(({ from, rule }) => `${rule.name} ${from}`);
    const expected = Object.entries(breaches).map(([name, [file]]) => `${name} ${file}`);
    // The node is named once: this one is reported at the file that two routes import.
    expect(found).toEqual(expect.arrayContaining([...expected, 'D8-node-once src/lib/node/a.ts']));
    const innocent = violations.filter(({ from }) => targets.some((path) => from === `src/lib/${path}.ts`));
    expect(innocent.map(({ rule }) => rule.name)).toEqual(['D8-node-once']);
  });
});
