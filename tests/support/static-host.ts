import { serveStaticFolder } from './static-folder.ts';

/** `node tests/support/static-host.ts <folder>`: the plain web host as a program of its own, for a machine of its own. */
const [folder = 'build'] = process.argv.slice(2);
const { url } = await serveStaticFolder(folder);
console.log(`HearthNet is on: ${url}`);
