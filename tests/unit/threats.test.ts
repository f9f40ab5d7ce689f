import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const text = readFileSync(new URL('../../docs/THREATS.md', import.meta.url), 'utf8');
const section = text.split('\n## ').find((part) => part.startsWith('Every named attack and its test')) ?? '';

/** The last cell of each row: files, each followed by the names of its tests. */
const named = section
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| attack'))
  .flatMap((line) => {
    const tests = line.split(' | ').at(-1) ?? '';
    return [...tests.matchAll(/`([^`]+)`((?:,? "[^"]+")+)/g)].flatMap(([, file = '', names = '']) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
    );
  });

it('the table of attacks names tests that there are', () => {
  expect(named.length).toBeGreaterThan(80);
  const missing = named.filter(({ file, name }) => {
    const url = new URL(`../${file}`, import.meta.url);
    return !existsSync(url) || !readFileSync(url, 'utf8').replaceAll("\\'", "'").includes(name);
  });
  expect(missing).toEqual([]);
});

it('every row of the table names a test', () => {
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| attack'));
  expect(rows.filter((line) => !/`(attack|unit|contracts|browser)\/[\w.-]+\.ts` "/.test(line))).toEqual([]);
});
