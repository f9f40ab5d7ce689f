import { limits } from '../kernel/limits.ts';

/**
 * An address of a meeting server as it may stand in the log. A pattern and no parser of a browser, because every build has to come to
 * the same verdict; names in other alphabets are written in their ASCII form.
 */
export const isServerAddress = (text: string): boolean =>
  text.length <= limits.serverAddressCharsMax && /^wss?:\/\/[A-Za-z0-9.:[\]-]+(?:\/[A-Za-z0-9._~/-]*)?$/.test(text);
