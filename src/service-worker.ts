/// <reference no-default-lib="true"/>
/// <reference lib="esnext" />
/// <reference lib="webworker" />
/// <reference types="@sveltejs/kit" />
import { build, files, prerendered, version } from '$service-worker';
import { createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';

/**
 * Keeps the whole app on the device. Musts:
 * - it never takes over by itself: a new version waits until the page says SKIP_WAITING or no old page lives;
 * - old files leave the cache only when the new version takes over (workbox does this in `activate`);
 * - it answers for this origin only, and caches nothing at run time.
 */
const worker = self as unknown as ServiceWorkerGlobalScope;

/** FNV-1a, 32 bits: not a checksum against malice, only a name for this set of files. */
const nameOf = (text: string): string => {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(36);
};

// Built chunks carry their hash in their name, static files are known by theirs. Pages are fetched anew with each commit
// (version) and whenever any chunk changed, so that a cached page never names a chunk that left the cache.
const revision = `${version}-${nameOf(build.join('\n'))}`;
const shell = '/200.html';

precacheAndRoute(
  [
    ...build.map((url) => ({ url, revision: null })),
    ...files.map((url) => ({ url, revision: __STATIC_REVISIONS__[url] ?? revision })),
    ...[...prerendered, shell].map((url) => ({ url, revision })),
  ],
  // A page is the same page whatever its query says (/library/guide/?id=water).
  { ignoreURLParametersMatching: [/.*/], cleanURLs: false },
);
registerRoute(new NavigationRoute(createHandlerBoundToURL(shell)));

worker.addEventListener('message', (event) => {
  if (event.data === 'SKIP_WAITING') void worker.skipWaiting();
});

// The first visit is kept too: its page is served from here from now on, so that the plug can be pulled at once.
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
