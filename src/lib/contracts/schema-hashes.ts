/* Made by tests/run/schemas.mjs from the contracts of this folder; never edited by hand. */

/**
 * The first 8 bytes of a capability's schema hash as base64url text, '' for what no neighbour can call. Two devices that tell
 * different ones for the same version do not mean the same by it.
 */
export const schemaOf = (capabilityId: string): string => schemaHashes.get(capabilityId) ?? '';

const schemaHashes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'ask.answer@1.0': 'aFq4KJw8bcg',
    'blobs.have@1.0': 'XQgcumz9yyg',
    'devices.adopt@1.0': 'L_Mqc8NWdFA',
    'library.read@1.0': '30jPByvn0gQ',
    'library.search@1.0': 'OdlElm60XNc',
    'mesh.ping@1.0': 'livleCjWLA8',
  }),
);
