import { object, optional, string } from 'valibot';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { idBytes, refused, work } from './op.ts';
import { canonicalJson, describeAll } from './schema-files.ts';

const book = describeAll(contractsByName.values());

/** Which capabilities this implementation knows, and by what schemas. The text is canonical JSON. */
export const schemaWorks = {
  '': work(object({ capability: optional(string()) }), ({ capability }) => {
    if (capability === undefined)
      return ok({ hashes: Object.fromEntries(Object.entries(book).map(([id, { hash }]) => [id, idBytes(hash)])) });
    const described = Object.hasOwn(book, capability) ? book[capability] : undefined;
    return described
      ? ok({ hash: idBytes(described.hash), json: canonicalJson(described) })
      : refused('capability-unknown', 'not_found');
  }),
};
