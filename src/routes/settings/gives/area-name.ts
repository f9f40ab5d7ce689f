import { textOrNull } from '$lib/i18n/index.svelte.ts';

/** The name of an area of abilities on screen; one that has no words yet keeps its own. */
export const areaName = (area: string): string => textOrNull(`calls.area.${area}`) ?? area;
