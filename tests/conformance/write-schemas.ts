import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { compareBooks, describeAll, schemasPath, writeBook, type SchemaBook } from './schema-files.ts';

/*
 * Started by tests/run/schemas.mjs. Without a flag: writes the files unless a published schema would change under the version it
 * has. `--accept`: writes them all the same. `--check`: writes nothing, ends with 1 where the files are not what the contracts say.
 */
const urlOf = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const readPublished = (): SchemaBook => {
  const url = urlOf(schemasPath);
  return existsSync(url) ? (JSON.parse(readFileSync(url, 'utf8')) as { capabilities: SchemaBook }).capabilities : {};
};

const main = async (flags: readonly string[]): Promise<number> => {
  const unknown = flags.find((flag) => flag !== '--accept' && flag !== '--check');
  if (unknown !== undefined) {
    console.log(`${unknown} means nothing here: --check or --accept.`);
    return 1;
  }
  const book = describeAll(contractsByName.values());
  const { broken } = compareBooks(readPublished(), book);
  if (broken.length > 0 && !flags.includes('--accept')) {
    for (const sentence of broken) console.log(`${sentence}.`);
    console.log('Raise the version in the contract. Before the first release --accept takes the change as it is.');
    return 1;
  }
  const texts = Object.entries(await writeBook(book));
  const old = texts.filter(([path, text]) => !existsSync(urlOf(path)) || readFileSync(urlOf(path), 'utf8') !== text);
  if (flags.includes('--check')) {
    for (const [path] of old) console.log(`${path} is not what the contracts say: node tests/run/schemas.mjs`);
    return old.length === 0 ? 0 : 1;
  }
  for (const [path, text] of old) writeFileSync(urlOf(path), text);
  const count = Object.keys(book).length;
  console.log(old.length === 0 ? `${count} capabilities, nothing new.` : `${count} capabilities written.`);
  return 0;
};

process.exitCode = await main(process.argv.slice(2));
