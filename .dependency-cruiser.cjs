/**
 * Who may import whom: D1 to D11 of docs/ARCHITECTURE.md, each with its sentence. Tests may import anything.
 * A path is seen as `src/...`, or as `node_modules/...` for a package; SvelteKit's own modules keep their `$app/...` name.
 */
const { join } = require('node:path');

const ours = '^(src|workers|signaling)/';
const lib = (...rooms) => `^src/lib/(${rooms.join('|')})(/|\\.|$)`;
const pack = (...names) => `node_modules/(${names.join('|')})(/|$)`;
const schemas = pack('valibot');
const svelte = pack('svelte', 'esm-env');
/** Generated or provided by SvelteKit, and no file of ours. */
const kit = '^\\$(app|env|service-worker)|^\\./\\$types|node_modules/@sveltejs/kit/';

const d1 = '`kernel` imports kernel only (and a schema library).';
const d2 = '`contracts` import kernel.';
const d3 = '`crypto`, `log`, `search` import kernel (and contracts for types).';
const d3b =
  '`mesh` (links, Hello, calls) stands on crypto, `replica` (the log as Yjs) on log; neither knows a service, a transport or a store.';
const d3c = '`blobs` stands on kernel (and crypto), knows links by the Links port and the disk by the BlobDisk port.';
const d4 =
  '`services` know the bus, their own contract, log views and ports; never a sibling service, a transport, a store or Svelte.';
const d5 = '`transports` and `stores` import kernel and wire only; they never see a service.';
const d6 = 'every heavy library has one doorkeeper file or folder.';
const d7 = 'only `node/` names concrete adapters.';
const d8 =
  '`state` imports kernel and contracts; `ui` imports tokens and i18n only; `routes` import state, ui, i18n; `node` once.';
const d9 = 'workers are reached only through `node/start-workers` with type imports.';
const d10 = '`signaling` imports `kernel/wire` only; `kernel/wire` imports kernel result, limits and codec only.';
const d11 = 'no barrel is imported from inside its own folder.';

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** What a room may import at all; everything else, packages and Node's own modules included, breaks the rule. */
const only = (name, comment, from, allowed) => rule(name, comment, { path: from }, { pathNot: allowed });

/** D6: the one place that may name a package. */
const doorkeeper = (packages, place) =>
  rule(
    `D6-${packages[0].replace(/[@/]/g, '')}`,
    `${d6} ${packages.join(', ')}: ${place}`,
    { path: ours, pathNot: place },
    { path: pack(...packages) },
  );

module.exports = {
  forbidden: [
    rule('no-cycle', 'no file imports itself, by whatever way round.', {}, { circular: true }),
    rule(
      'resolves',
      'every import leads to a file or an installed package.',
      {},
      { couldNotResolve: true, pathNot: [kit] },
    ),

    only('D1', d1, lib('kernel'), [lib('kernel'), schemas]),
    only('D2', d2, lib('contracts'), [lib('contracts', 'kernel'), schemas]),
    only('D3-crypto', d3, lib('crypto'), [
      lib('crypto', 'kernel', 'contracts'),
      pack('@noble/ed25519', '@noble/curves', '@noble/hashes', '@scure/bip39', '@hpke/core'),
    ]),
    // An event names its author's device by a certificate, so the log stands on crypto (docs/adr/0015).
    only('D3-log', d3, lib('log'), [lib('log', 'crypto', 'kernel', 'contracts'), schemas]),
    only('D3-search', d3, lib('search'), [lib('search', 'kernel', 'contracts'), 'node_modules/']),
    // The two rooms between log and services (docs/adr/0006).
    only('D3-mesh', d3b, lib('mesh'), [lib('mesh', 'crypto', 'kernel')]),
    // The third room between (docs/adr/0030): what it keeps files on and whom it speaks to come to it as ports.
    only('D3-blobs', d3c, lib('blobs'), [lib('blobs', 'crypto', 'kernel')]),
    // The fourth room between (docs/adr/0048): what lies at relays for whoever is away; relays and disk come to it as ports.
    only('D3-mail', d3b, lib('mail'), [lib('mail', 'log', 'crypto', 'kernel')]),
    only('D3-replica', d3b, lib('replica'), [
      lib('replica', 'log', 'kernel'),
      pack('yjs', 'y-protocols', 'lib0', 'y-webrtc'),
    ]),
    rule(
      'D3-types',
      d3,
      { path: lib('crypto', 'log', 'search') },
      { path: lib('contracts'), dependencyTypesNot: ['type-only'] },
    ),
    only('D4', d4, lib('services'), [lib('services', 'kernel', 'contracts'), '^src/lib/log/']),
    rule(
      'D4-sibling',
      d4,
      { path: '^src/lib/services/([^/.-]+)' },
      { path: lib('services'), pathNot: '^src/lib/services/$1[/.-]' },
    ),
    rule(
      'D4-log',
      d4,
      { path: lib('services') },
      { path: lib('log'), pathNot: '^src/lib/log/views', dependencyTypesNot: ['type-only'] },
    ),
    only('D5-transports', d5, lib('transports'), [
      lib('transports', 'kernel'),
      pack('simple-peer', '@types/simple-peer'),
    ]),
    only('D5-stores', d5, lib('stores'), [lib('stores', 'kernel'), pack('idb')]),

    doorkeeper(['yjs', 'y-protocols', 'lib0'], '^src/lib/replica/'),
    doorkeeper(['simple-peer', '@types/simple-peer'], '^src/lib/transports/webrtc'),
    doorkeeper(['y-webrtc'], '^src/lib/replica/documents/open-room\\.ts$'),
    doorkeeper(['idb'], '^src/lib/stores/'),
    doorkeeper(['@orama/stemmers'], '^src/lib/search/stemmers\\.ts$'),
    doorkeeper(['comlink'], '^(workers|src/lib/node)/'),
    doorkeeper(['valibot'], '^src/lib/((kernel|contracts|log)/|node/window-)'),
    doorkeeper(['@noble/ed25519', '@noble/curves', '@noble/hashes', '@hpke/core'], '^src/lib/crypto/'),
    doorkeeper(['@scure/bip39'], '^src/lib/crypto/recovery'),
    doorkeeper(['qr'], '^src/lib/ui/[Qq]r'),
    doorkeeper(['ws', '@types/ws'], '^signaling/'),
    doorkeeper(['@redis/client'], '^signaling/cluster/redis\\.ts$'),
    doorkeeper(['workbox-precaching', 'workbox-routing', 'workbox-strategies'], '^src/service-worker\\.ts$'),

    rule('D7', d7, { path: ours, pathNot: lib('node', 'transports', 'stores') }, { path: lib('transports', 'stores') }),
    only('D8-state', d8, lib('state'), [lib('state', 'kernel', 'contracts'), svelte]),
    only('D8-ui', d8, lib('ui'), [lib('ui', 'i18n'), svelte, kit, pack('@lucide/svelte', 'qr')]),
    // The sentence leaves i18n open: it has words for the kernel's failures, and knows nothing else.
    only('D8-i18n', d8, lib('i18n'), [lib('i18n', 'kernel'), svelte]),
    only('D8-routes', d8, '^src/routes/', [
      '^src/routes/',
      '^src/app\\.css$',
      lib('state', 'ui', 'i18n', 'node'),
      svelte,
      kit,
      pack('@lucide/svelte'),
    ]),
    {
      name: 'D8-node-once',
      comment: d8,
      severity: 'error',
      from: { path: '^src/routes/' },
      module: { path: lib('node'), numberOfDependentsMoreThan: 1 },
    },

    rule('D9', d9, { path: ours, pathNot: '^src/lib/node/start-workers' }, { path: '^workers/' }),
    rule(
      'D9-types',
      d9,
      { path: '^src/lib/node/start-workers' },
      { path: '^workers/', dependencyTypesNot: ['type-only'] },
    ),

    rule(
      'D10-signaling',
      d10,
      { path: '^signaling/' },
      {
        pathNot: ['^signaling/', '^src/lib/kernel/wire/', pack('ws', '@types/ws', '@types/node', '@redis/client')],
        dependencyTypesNot: ['core'],
      },
    ),
    only('D10-wire', d10, '^src/lib/kernel/wire/', [
      '^src/lib/kernel/wire/',
      '^src/lib/kernel/(result|limits|codec)\\.ts$',
    ]),

    rule('D11', d11, { path: '^(.+)/[^/]+$' }, { path: '^$1/index\\.(ts|js)$' }),
    rule('D11-room', d11, { path: '^(src/lib/[^/]+)/' }, { path: '^$1/index\\.(ts|js)$' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Sees `import type` too: who knows whose shape is part of the house.
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    // SvelteKit's aliases. Its generated tsconfig has them without the baseUrl that dependency-cruiser wants to read them.
    webpackConfig: { fileName: join(__dirname, 'tests', 'run', 'import-aliases.cjs') },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['svelte', 'browser', 'import', 'types', 'node', 'default'],
      mainFields: ['svelte', 'module', 'main', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.svelte', '.d.ts', '.json'],
    },
  },
};
