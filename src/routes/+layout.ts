import { loadLocale } from '$lib/i18n/index.svelte.ts';
import type { LayoutLoad } from './$types';

/** Everything runs in the browser; each route is written as an empty page at build time, so that any static host serves it. */
export const ssr = false;
export const prerender = true;
export const trailingSlash = 'always';

/** The words come first: no page is drawn without them. */
export const load: LayoutLoad = async () => {
  await loadLocale();
};
