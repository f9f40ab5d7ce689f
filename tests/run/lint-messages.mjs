/**
 * @typedef {import('./lint-house.mjs').SourceFile} SourceFile
 * @typedef {import('./lint-house.mjs').Breach} Breach
 */

const inLanguage = /(^|\/)messages\/(en|de)(\.json$|\/[^/]+\.json$)/;

/**
 * Both languages say the same things: the same keys, each with the same placeholders. A language is one file
 * (`messages/en.json`) or one file an area (`messages/en/chat.json`).
 * @param {SourceFile[]} files
 * @returns {Breach[]}
 */
export const compareMessages = (files) =>
  files.flatMap((file) => {
    const language = inLanguage.exec(file.path)?.[2];
    if (language === undefined) return [];
    const otherPath = file.path.replace(
      inLanguage,
      (_, before, own, rest) => `${before}messages/${own === 'en' ? 'de' : 'en'}${rest}`,
    );
    const other = files.find(({ path }) => path === otherPath);
    if (other === undefined)
      return [{ path: file.path, line: 1, rule: 'messages', sentence: `${otherPath} is missing.` }];
    return language === 'en' ? compare(file, other) : missingKeys(file, other);
  });

/** @param {SourceFile} one @param {SourceFile} other @returns {Breach[]} */
const compare = (one, other) => {
  const otherPlaceholders = readMessages(other);
  const differing = [...readMessages(one)].filter(([key, own]) => {
    const theirs = otherPlaceholders.get(key);
    return theirs !== undefined && theirs !== own;
  });
  return [
    ...missingKeys(one, other),
    ...differing.map(([key, own]) => ({
      ...placeOf(other, key),
      rule: 'messages',
      sentence: `"${key}" has other placeholders than ${one.path} (${own === '' ? 'none' : own}).`,
    })),
  ];
};

/** @param {SourceFile} one @param {SourceFile} other @returns {Breach[]} */
const missingKeys = (one, other) => {
  const theirs = readMessages(other);
  return [...readMessages(one).keys()]
    .filter((key) => !theirs.has(key))
    .map((key) => ({ ...placeOf(one, key), rule: 'messages', sentence: `"${key}" is missing in ${other.path}.` }));
};

/** Placeholders by key; nested keys are joined by dots. @param {SourceFile} file @returns {Map<string, string>} */
const readMessages = ({ text }) => {
  /** @type {Map<string, string>} */
  const messages = new Map();
  /** @param {unknown} value @param {string} key */
  const collect = (value, key) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) collect(inner, key === '' ? name : `${key}.${name}`);
      return;
    }
    const found = JSON.stringify(value).match(/\{[a-zA-Z][a-zA-Z0-9]*\}/g) ?? [];
    messages.set(key, [...new Set(found)].sort().join(' '));
  };
  collect(JSON.parse(text), '');
  messages.delete('$schema');
  return messages;
};

/** @param {SourceFile} file @param {string} key */
const placeOf = ({ path, text }, key) => {
  const name = JSON.stringify(key.split('.').at(-1));
  const index = text.split('\n').findIndex((line) => line.includes(`${name}:`));
  return { path, line: index + 1 };
};
