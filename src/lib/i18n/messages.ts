import type { messages } from './messages/en.ts';

/** Every text of one language, by key. English names the keys; the types hold the others to them. */
export type Messages = { readonly [Key in keyof typeof messages]: string };
export type MessageKey = keyof Messages;

type OneOf<Key> = Key extends `${infer Stem}_one` ? Stem : never;
/** The stem of a key that exists as `stem_one` and `stem_other`. */
export type PluralKey = OneOf<MessageKey>;

export type Locale = 'en' | 'de';
export const locales: readonly Locale[] = ['en', 'de'];
export const isLocale = (value: unknown): value is Locale => value === 'en' || value === 'de';

/** The language of a first visit: the stored choice, then the browser's languages in order, then English. */
export const chooseLocale = (stored: string | null, preferred: readonly string[]): Locale => {
  if (isLocale(stored)) return stored;
  for (const tag of preferred) {
    const language = tag.toLowerCase().split('-')[0];
    if (isLocale(language)) return language;
  }
  return 'en';
};

export type Params = Readonly<Record<string, string | number>>;

/** Puts the parameters into the braces of a text; a brace without a parameter stays as it is, so that a gap is seen. */
export const fill = (text: string, params: Params): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(params, name) ? String(params[name]) : whole));
