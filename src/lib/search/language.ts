/** Languages with an analyzer. A text in another language is treated as the nearer of the two. */
export type Language = 'en' | 'de';
export const isLanguage = (value: unknown): value is Language => value === 'en' || value === 'de';
