import { createProfile, openTab } from './window-tabs.ts';

/** A tab in a frame: a page of its own, whose lock and worker the browser takes back when the frame is removed. */
const name = new URL(import.meta.url).searchParams.get('profile') ?? '';
openTab(createProfile(name));
