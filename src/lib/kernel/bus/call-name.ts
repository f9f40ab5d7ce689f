import { limits } from '../limits.ts';

/** Whether a trace, a client id or a session may travel, over a link or from a page. */
export const isCallName = (text: unknown): text is string =>
  typeof text === 'string' && text.length > 0 && text.length <= limits.callNameCharsMax;
