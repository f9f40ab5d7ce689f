/** What a face is made of: two colours, a wreath of small shapes round the rim, and up to two initials in the middle. */
export type FaceDrawing = {
  readonly ground: string;
  readonly light: string;
  readonly shape: 'dot' | 'petal' | 'roof' | 'ray';
  /** The shapes' turns round the middle, in degrees. */
  readonly turns: readonly number[];
  readonly initials: string;
};

/** Deep ground and light mark; initials stand on the ground at a contrast of 6 or better. */
const pairs: readonly (readonly [ground: string, light: string])[] = [
  ['#8F3410', '#FFD9BF'],
  ['#6B4A12', '#FBE3A6'],
  ['#2F5A2E', '#D3EFC4'],
  ['#1F5A56', '#BFEDE4'],
  ['#1E5578', '#C5E5FA'],
  ['#34468F', '#D5DCFF'],
  ['#5B3B8C', '#E6D6FF'],
  ['#83306B', '#FFD3EE'],
  ['#8E2440', '#FFD3DA'],
  ['#4A4F2A', '#E8EBB8'],
  ['#5C4033', '#F2DCCB'],
  ['#3C4A57', '#DCE6EE'],
];
const shapes = ['dot', 'petal', 'roof', 'ray'] as const;
const countMin = 3;
const countKinds = 7;
const turnSteps = 5;

/**
 * The face of a person, drawn from their id: the same id gives the same face on every device. Two ids of 32 random
 * bytes share colours, shape, count and turn by chance (1 in 1,680), so a face helps the eye and proves nothing.
 */
export const drawFace = (id: string, name: string): FaceDrawing => {
  let rest = hash(id);
  const take = (kinds: number): number => {
    const choice = rest % kinds;
    rest = Math.floor(rest / kinds);
    return choice;
  };
  const [ground, light] = pairs[take(pairs.length)] ?? ['#3C4A57', '#DCE6EE'];
  const shape = shapes[take(shapes.length)] ?? 'dot';
  const count = countMin + take(countKinds);
  const start = (take(turnSteps) * 360) / count / turnSteps;
  const turns = Array.from({ length: count }, (_, i) => Math.round(start + (i * 360) / count));
  return { ground, light, shape, turns, initials: initialsOf(name) };
};

/** Up to two letters: of the first and the last word, or the first letter of the only one. */
export const initialsOf = (name: string): string => {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = words[0];
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return `${firstLetter(first)}${firstLetter(last)}`.toLocaleUpperCase();
};

const firstLetter = (word: string | undefined): string => (word ? (Array.from(word)[0] ?? '') : '');

/** FNV-1a over the text, 32 bits, then stirred so that ids that differ in one letter look different. */
const hash = (text: string): number => {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return (value ^ (value >>> 16)) >>> 0;
};
