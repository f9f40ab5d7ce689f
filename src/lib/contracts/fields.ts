import {
  array,
  integer,
  maxLength,
  maxValue,
  minLength,
  minValue,
  number,
  picklist,
  pipe,
  regex,
  string,
  trim,
} from 'valibot';
import { limits } from '../kernel/limits.ts';

/** The field types that several contracts share. Text ids are base64url without padding. */
export const bytes32Id = pipe(string(), regex(/^[A-Za-z0-9_-]{43}$/, 'not a 32-byte id'));
export const bytes16Id = pipe(string(), regex(/^[A-Za-z0-9_-]{22}$/, 'not a 16-byte id'));
export const count = pipe(number(), integer(), minValue(0), maxValue(Number.MAX_SAFE_INTEGER));
export const personName = pipe(string(), trim(), minLength(1), maxLength(limits.nameCharsMax));
export const communityName = pipe(string(), trim(), minLength(1), maxLength(limits.communityNameCharsMax));
export const language = picklist(['en', 'de']);
export const shortText = pipe(string(), maxLength(limits.titleCharsMax * 4));
export const names = pipe(array(pipe(string(), maxLength(80))), maxLength(limits.corporaMax));
