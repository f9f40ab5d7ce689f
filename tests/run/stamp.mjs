import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Written by a tool into the source tree, or by an editor beside it: no input of anything. */
const generated = /(^|\/)(compiled|node_modules|\.DS_Store)$|~$|\.(log|swp|tmp)$/;

/**
 * One hash over the names and bytes of files, the same on every machine and whatever order a folder lists them in.
 * @param {string} root
 * @param {string[]} inputs files and folders below the root; one that does not exist counts as absent
 * @param {string[]} [more] values that are inputs too, such as an environment variable
 */
export const hashInputs = (root, inputs, more = []) => {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap((input) => filesBelow(root, input))) {
    const bytes = readFileSync(join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  for (const value of more) hash.update(`\0${value.length}\0${value}`);
  return hash.digest('hex');
};

/**
 * @param {string} root
 * @param {string} path below the root, with forward slashes
 * @returns {string[]} sorted
 */
export const filesBelow = (root, path) => {
  const full = join(root, path);
  if (generated.test(path) || !existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  const names = readdirSync(full).sort((a, b) => (a < b ? -1 : 1));
  return names.flatMap((name) => filesBelow(root, `${path}/${name}`));
};
