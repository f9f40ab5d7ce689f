import { isCborList, isCborMap, type Cbor } from '../codec.ts';
import { failure, type Failure } from '../errors.ts';
import { limits } from '../limits.ts';

/**
 * What a token link takes away from the right it hands on. Every operator only narrows, and a named input field must be there:
 * `max` a number not above this, `oneOf` one of these (a list: all of its members, and at least one), `prefix` text that begins so
 * (a list likewise), `rpm` calls a minute. An absent operator takes nothing away.
 */
export type TokenPolicy = {
  readonly max?: Readonly<Record<string, number>>;
  readonly oneOf?: Readonly<Record<string, readonly (string | number)[]>>;
  readonly prefix?: Readonly<Record<string, string>>;
  readonly rpm?: number;
};

/** null allows. The rate is no matter of one input and is counted elsewhere (`token-rates.ts`). */
export const permitByPolicy = ({ max = {}, oneOf = {}, prefix = {} }: TokenPolicy, input: unknown): Failure | null => {
  for (const [field, most] of Object.entries(max)) {
    const value = fieldOf(input, field);
    if (typeof value !== 'number' || !(value <= most)) return beyond('token-max');
  }
  for (const [field, allowed] of Object.entries(oneOf))
    if (!everyOf(fieldOf(input, field), (value) => allowed.some((each) => each === value)))
      return beyond('token-one-of');
  for (const [field, start] of Object.entries(prefix))
    if (!everyOf(fieldOf(input, field), (value) => typeof value === 'string' && value.startsWith(start)))
      return beyond('token-prefix');
  return null;
};

/** Whether whatever `child` allows, `parent` allows too. Only what is plainly narrower counts; anything else is refused. */
export const isNarrower = (child: TokenPolicy, parent: TokenPolicy): boolean =>
  isNarrowerBy(child.max, parent.max, (mine, theirs) => mine <= theirs) &&
  isNarrowerBy(child.oneOf, parent.oneOf, (mine, theirs) => mine.every((value) => theirs.includes(value))) &&
  isNarrowerBy(child.prefix, parent.prefix, (mine, theirs) => mine.startsWith(theirs)) &&
  (parent.rpm === undefined || (child.rpm !== undefined && child.rpm <= parent.rpm));

/**
 * A command is one capability's name, or a prefix that ends in a dot and stands for every name that begins so. There is no
 * wildcard for all.
 */
export const isCommand = (text: string): boolean =>
  text.length <= limits.tokenTextCharsMax && commandPattern.test(text);
export const coversCommand = (granted: string, asked: string): boolean =>
  granted.endsWith('.') ? asked.startsWith(granted) : asked === granted;

/** Strict: known operators only, none of them empty, every bound kept. null for anything else. */
export const parsePolicy = (value: Cbor | undefined): TokenPolicy | null => {
  if (!isCborMap(value)) return null;
  const { max, oneOf, prefix, rpm, ...unknown } = value;
  if (Object.keys(unknown).length > 0) return null;
  const parts = {
    max: parseFields(max, (each) => typeof each === 'number'),
    oneOf: parseFields(oneOf, isChoice),
    prefix: parseFields(prefix, (each) => isText(each) && each !== ''),
  };
  if (parts.max === null || parts.oneOf === null || parts.prefix === null) return null;
  if (rpm !== undefined && !(typeof rpm === 'number' && rpm >= 1 && rpm <= limits.tokenRpmMax)) return null;
  // Each part was read field by field just above; the decoder knows no fractions.
  return Object.fromEntries(Object.entries({ ...parts, rpm }).filter(([, part]) => part !== undefined)) as TokenPolicy;
};

const commandPattern = /^[a-z]+(?:(?:\.[a-zA-Z]+)+|(?:\.[a-zA-Z]+)*\.)$/;
const fieldPattern = /^[a-zA-Z]{1,32}$/;

const beyond = (reason: string): Failure => failure('token_scope_insufficient', reason);

const fieldOf = (input: unknown, field: string): unknown =>
  typeof input === 'object' && input !== null && Object.hasOwn(input, field)
    ? (input as Record<string, unknown>)[field]
    : undefined;

const everyOf = (value: unknown, isAllowed: (value: unknown) => boolean): boolean =>
  Array.isArray(value) ? value.length > 0 && value.every(isAllowed) : isAllowed(value);

const isNarrowerBy = <T>(
  child: Readonly<Record<string, T>> | undefined,
  parent: Readonly<Record<string, T>> | undefined,
  isWithin: (mine: T, theirs: T) => boolean,
): boolean =>
  Object.entries(parent ?? {}).every(([field, theirs]) => {
    const mine = child && Object.hasOwn(child, field) ? child[field] : undefined;
    return mine !== undefined && isWithin(mine, theirs);
  });

const isText = (value: Cbor | undefined): value is string =>
  typeof value === 'string' && value.length <= limits.tokenTextCharsMax;

const isChoice = (value: Cbor): boolean =>
  isCborList(value) &&
  value.length > 0 &&
  value.length <= limits.tokenChoicesMax &&
  new Set(value).size === value.length &&
  value.every((each) => isText(each) || typeof each === 'number');

/** undefined when the operator is absent, null when it is malformed. */
const parseFields = (
  value: Cbor | undefined,
  isFit: (value: Cbor) => boolean,
): { readonly [key: string]: Cbor } | undefined | null => {
  if (value === undefined) return undefined;
  if (!isCborMap(value)) return null;
  const fields = Object.entries(value);
  const isWhole = fields.length > 0 && fields.length <= limits.tokenFieldsMax;
  return isWhole && fields.every(([field, each]) => fieldPattern.test(field) && isFit(each)) ? value : null;
};
