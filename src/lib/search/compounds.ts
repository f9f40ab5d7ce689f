import { limits } from '../kernel/limits.ts';

/**
 * Which terms of the dictionary share a part with a German compound: "wass" finds "trinkwass" and "wasserversorg",
 * "wasserausfall" finds "wass" and "ausfall". Terms are kept by their first and last four letters, so a look-up touches
 * only a handful. What is found depends on the set of terms alone, never on the order in which they came.
 */
export type Compounds = { add(term: string): void; remove(term: string): void; related(term: string): string[] };

const partLetters = 4;

export const createCompounds = (isTerm: (term: string) => boolean): Compounds => {
  const byHead = new Map<string, Set<string>>();
  const byTail = new Map<string, Set<string>>();

  const longer = (term: string): string[] => {
    const found: string[] = [];
    for (const other of byHead.get(term.slice(0, partLetters)) ?? [])
      if (other !== term && other.startsWith(term)) found.push(other);
    for (const other of byTail.get(term.slice(-partLetters)) ?? []) {
      if (other !== term && other.endsWith(term) && !other.startsWith(term)) found.push(other);
    }
    return found;
  };
  const shorter = (term: string): string[] => {
    const found: string[] = [];
    const head = firstTerm(term, (length) => term.slice(0, length));
    const tail = firstTerm(term, (length) => term.slice(-length));
    if (head !== null) found.push(head);
    if (tail !== null && tail !== head) found.push(tail);
    return found;
  };
  const firstTerm = (term: string, part: (length: number) => string): string | null => {
    for (let length = term.length - 1; length >= partLetters; length--) if (isTerm(part(length))) return part(length);
    return null;
  };

  return {
    add: (term) => {
      if (!isPart(term)) return;
      put(byHead, term.slice(0, partLetters), term);
      put(byTail, term.slice(-partLetters), term);
    },
    remove: (term) => {
      take(byHead, term.slice(0, partLetters), term);
      take(byTail, term.slice(-partLetters), term);
    },
    related: (term) => {
      if (!isPart(term)) return [];
      const byLength = longer(term).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
      return [...shorter(term), ...byLength].slice(0, limits.compoundTermsMax);
    },
  };
};

/** Numbers and short stems are no parts: nearly every word would hold them. */
const isPart = (term: string): boolean => term.length >= partLetters && !/\d/.test(term);

const put = (map: Map<string, Set<string>>, key: string, term: string): void => {
  const terms = map.get(key);
  if (terms === undefined) map.set(key, new Set([term]));
  else terms.add(term);
};

const take = (map: Map<string, Set<string>>, key: string, term: string): void => {
  const terms = map.get(key);
  terms?.delete(term);
  if (terms?.size === 0) map.delete(key);
};
