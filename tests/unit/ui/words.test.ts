import { describe, expect, it } from 'vitest';
import { chooseLocale, fill, locales } from '../../../src/lib/i18n/messages.ts';
import { messages as de } from '../../../src/lib/i18n/messages/de.ts';
import { messages as en } from '../../../src/lib/i18n/messages/en.ts';
import { failureCodes } from '../../../src/lib/kernel/errors.ts';

describe('the words of the screens', () => {
  it('are the same keys in both languages, and none is empty', () => {
    expect(Object.keys(de).toSorted()).toEqual(Object.keys(en).toSorted());
    for (const text of [...Object.values(en), ...Object.values(de)]) expect(text.trim()).not.toBe('');
  });

  it('name every failure of the closed list in a sentence of its own', () => {
    for (const code of Object.keys(failureCodes)) {
      for (const texts of [en, de]) expect(texts).toHaveProperty([`failure.${code}`]);
    }
  });

  it('have both forms of every plural', () => {
    const stems = Object.keys(en).flatMap((key) =>
      /_(one|other)$/.test(key) ? [key.replace(/_(one|other)$/, '')] : [],
    );
    for (const stem of stems) for (const form of ['one', 'other']) expect(en).toHaveProperty([`${stem}_${form}`]);
  });

  it('follow the stored choice first, then the browser, then English', () => {
    expect(locales).toEqual(['en', 'de']);
    expect(chooseLocale('de', ['en-GB'])).toBe('de');
    expect(chooseLocale('xx', ['fr', 'de-AT', 'en'])).toBe('de');
    expect(chooseLocale(null, ['fr', 'tr'])).toBe('en');
  });

  it('take their parameters, and show a gap where one is missing', () => {
    expect(fill('Hello, {name}', { name: 'Bora {n}' })).toBe('Hello, Bora {n}');
    expect(fill('With {n} of {m}', { n: 2 })).toBe('With 2 of {m}');
    expect(fill('{toString}', {})).toBe('{toString}');
  });
});
