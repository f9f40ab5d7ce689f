import {
  chooseLocale,
  fill,
  isLocale,
  type Locale,
  type MessageKey,
  type Messages,
  type Params,
  type PluralKey,
} from './messages.ts';

/**
 * The texts of the screens in the one language that is loaded. Reading `t` in a template makes the template
 * follow the language. `loadLocale` must have run before the first screen (the root layout awaits it).
 */
let current = $state<Locale>('en');
let texts = $state.raw<Messages | null>(null);

const storageKey = 'hearthnet.locale';
const loaders: Readonly<Record<Locale, () => Promise<{ messages: Messages }>>> = {
  en: () => import('./messages/en.ts'),
  de: () => import('./messages/de.ts'),
};

/** The language on screen; reactive. */
export const locale = {
  get value(): Locale {
    return current;
  },
};

export const t = (key: MessageKey, params: Params = {}): string => {
  const text = texts?.[key];
  return text === undefined ? key : fill(text, params);
};

/** A sentence with a number: `key_one` or `key_other`, chosen by the language; the number is `{n}`, as the language writes it. */
export const tn = (key: PluralKey, n: number, params: Params = {}): string => {
  const form = new Intl.PluralRules(current).select(n) === 'one' ? 'one' : 'other';
  return t(`${key}_${form}` as MessageKey, { n: formatNumber(n), ...params });
};

/** The text of a key that may not exist (a failure's reason); null when there is none. */
export const textOrNull = (key: string): string | null => {
  const all: Readonly<Record<string, string>> | null = texts;
  return all && Object.hasOwn(all, key) ? (all[key] ?? null) : null;
};

/** Loads the language of this visit. */
export const loadLocale = (): Promise<void> => show(chooseLocale(stored(), navigator.languages));

/** Changes the language, for this visit and the next ones. */
export const setLocale = async (next: Locale): Promise<void> => {
  await show(next);
  remember(next);
};

export const formatNumber = (value: number): string => new Intl.NumberFormat(current).format(value);

/** The time of day of an instant (milliseconds since 1970). */
export const formatTime = (at: number): string =>
  new Intl.DateTimeFormat(current, { hour: 'numeric', minute: '2-digit' }).format(at);

/** The day of an instant, written out. */
export const formatDate = (at: number): string => new Intl.DateTimeFormat(current, { dateStyle: 'long' }).format(at);

/** A size in the unit a person would use; 1 MB is 1,000,000 bytes, as browsers and shops count. */
export const formatBytes = (bytes: number): string => {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const options = {
    style: 'unit',
    unit: units[step] ?? 'byte',
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: step < 2 ? 0 : 1,
  } as const;
  return new Intl.NumberFormat(current, options).format(bytes / 1000 ** step);
};

/** How long ago, in words, up to a day; then the date. */
export const formatAgo = (at: number, now: number = Date.now()): string => {
  const seconds = Math.min(0, Math.round((at - now) / 1000));
  const words = new Intl.RelativeTimeFormat(current, { numeric: 'auto' });
  if (seconds > -45) return words.format(0, 'second');
  if (seconds > -3_600) return words.format(Math.round(seconds / 60), 'minute');
  if (seconds > -86_400) return words.format(Math.round(seconds / 3_600), 'hour');
  return new Intl.DateTimeFormat(current, { day: 'numeric', month: 'short', year: 'numeric' }).format(at);
};

const show = async (next: Locale): Promise<void> => {
  const { messages } = await loaders[next]();
  current = next;
  texts = messages;
  document.documentElement.lang = next;
};

/** A browser may forbid localStorage (private windows, policies); the language then lasts for this visit. */
const stored = (): string | null => {
  try {
    const value = localStorage.getItem(storageKey);
    return isLocale(value) ? value : null;
  } catch {
    return null;
  }
};

/** False when the browser keeps nothing: the choice then ends with this visit. */
const remember = (next: Locale): boolean => {
  try {
    localStorage.setItem(storageKey, next);
    return true;
  } catch {
    return false;
  }
};
