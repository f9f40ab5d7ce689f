import { createHash } from 'node:crypto';
import { format, resolveConfig } from 'prettier';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import { capabilityId } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText, utf8 } from '../../src/lib/kernel/ids.ts';
import { renderSchema, type SchemaText } from './json-schema.ts';

/** One capability as `static/schemas/capabilities.json` holds it. `hash` covers params and the schemas, nothing else. */
export type DescribedCapability = {
  readonly hash: string;
  readonly stability: string;
  readonly policy: string;
  readonly routable: boolean;
  readonly idempotent: boolean;
  readonly cost: string;
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  readonly params: readonly string[];
  readonly input: SchemaText;
  readonly output: SchemaText;
  readonly item?: SchemaText;
  readonly inputItem?: SchemaText;
};
export type SchemaBook = { readonly [id: string]: DescribedCapability };

/** Every contract by its id (`area.verb@major.minor`), in the order of the ids. Throws on a schema that cannot be said honestly. */
export const describeAll = (contracts: Iterable<AnyCapability>): SchemaBook => {
  const described = [...contracts].map((capability) => [capabilityId(capability), describe(capability)] as const);
  return Object.fromEntries(described.sort(([a], [b]) => (a < b ? -1 : 1)));
};

const describe = (capability: AnyCapability): DescribedCapability => {
  const { stability, policy, routable, idempotent, cost, timeoutMs, maxConcurrent, params } = capability;
  const schemas = {
    params: [...params].sort(),
    input: renderSchema(capability.input),
    output: renderSchema(capability.output),
    ...(capability.item ? { item: renderSchema(capability.item) } : {}),
    ...(capability.inputItem ? { inputItem: renderSchema(capability.inputItem) } : {}),
  };
  const hash = createHash('sha256')
    .update(utf8(canonicalJson(schemas)))
    .digest();
  return {
    hash: bytesToText(hash),
    ...{ stability, policy, routable, idempotent, cost, timeoutMs, maxConcurrent },
    ...schemas,
  };
};

/** RFC 8785 for what schemas hold: members sorted by UTF-16 units, no blanks, numbers and texts as JavaScript writes them. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`).join(',')}}`;
};

/**
 * What stands between the published schemas and those of the contracts. `broken`: ids whose schema changed, or that went, while
 * somebody may rely on them; `stale`: there is something new or told anew that the files lack.
 */
export const compareBooks = (published: SchemaBook, made: SchemaBook): { broken: string[]; isStale: boolean } => {
  const broken = Object.entries(published).flatMap(([id, { hash }]) => {
    const now = made[id];
    if (now) return now.hash === hash ? [] : [`${id} has another schema and still the same version`];
    return isRaised(id, made) ? [] : [`${id} is gone, and no later version of it is there`];
  });
  return { broken, isStale: canonicalJson(published) !== canonicalJson(made) };
};

const isRaised = (id: string, made: SchemaBook): boolean => {
  const [name, major, minor] = partsOf(id);
  return Object.keys(made)
    .map(partsOf)
    .some((other) => other[0] === name && (other[1] > major || (other[1] === major && other[2] > minor)));
};

const partsOf = (id: string): [name: string, major: number, minor: number] => {
  const [name = '', version = ''] = id.split('@');
  const [major, minor] = version.split('.').map(Number);
  return [name, major ?? 0, minor ?? 0];
};

export const schemasPath = 'static/schemas/capabilities.json';
export const hashesPath = 'src/lib/contracts/schema-hashes.ts';

const comment =
  'Made by tests/run/schemas.mjs from src/lib/contracts; docs/CONFORMANCE.md says how to read it. ' +
  'Lengths of texts are counted in UTF-16 units. Members that a schema does not name are ignored.';

/** The text of the published file, and of the module by which a node knows the hashes of what leaves the device. */
export const writeBook = async (book: SchemaBook): Promise<Readonly<Record<string, string>>> => ({
  [schemasPath]: await pretty(
    JSON.stringify({ $comment: comment, dialect: 'https://json-schema.org/draft/2020-12/schema', capabilities: book }),
    schemasPath,
  ),
  [hashesPath]: await pretty(hashModule(book), hashesPath),
});

const pretty = async (text: string, path: string): Promise<string> =>
  format(text, { ...(await resolveConfig(new URL(`../../${path}`, import.meta.url))), filepath: path, plugins: [] });

/** Only what a neighbour may call: the rest is never compared, and the node's start stays small. */
const hashModule = (book: SchemaBook): string => {
  const leaving = Object.entries(book).filter(([, { policy, routable }]) => routable || policy !== 'self');
  const rows = leaving.map(([id, { hash }]) => `  '${id}': '${firstEight(hash)}',`);
  return `/* Made by tests/run/schemas.mjs from the contracts of this folder; never edited by hand. */

/**
 * The first 8 bytes of a capability's schema hash as base64url text, '' for what no neighbour can call. Two devices that tell
 * different ones for the same version do not mean the same by it.
 */
export const schemaOf = (capabilityId: string): string => schemaHashes.get(capabilityId) ?? '';

const schemaHashes: ReadonlyMap<string, string> = new Map(
  Object.entries({
${rows.join('\n')}
  }),
);
`;
};

/** Of 43 characters the first 8 bytes are 10 and four bits of the eleventh. */
const firstEight = (hash: string): string => bytesToText(Buffer.from(hash, 'base64url').subarray(0, 8));
