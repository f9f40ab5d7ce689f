import {
  array,
  integer,
  maxLength,
  maxValue,
  minLength,
  minValue,
  number,
  object,
  optional,
  picklist,
  pipe,
  record,
  regex,
  string,
  union,
  check,
  type InferOutput,
} from 'valibot';
import { limits } from '../kernel/limits.ts';
import { isCommand } from '../kernel/bus/token-policy.ts';
import { define } from './define.ts';
import { bytes32Id, count } from './fields.ts';

const fields = <T extends Parameters<typeof record>[1]>(value: T) =>
  pipe(
    record(pipe(string(), regex(/^[a-zA-Z]{1,32}$/, 'not a field name')), value),
    check((map) => Object.keys(map).length > 0 && Object.keys(map).length <= limits.tokenFieldsMax, 'too many fields'),
  );
const word = pipe(string(), minLength(1), maxLength(limits.tokenTextCharsMax));
const whole = pipe(number(), integer(), minValue(-Number.MAX_SAFE_INTEGER), maxValue(Number.MAX_SAFE_INTEGER));

/** What a token takes away again: bounds on named fields of the input, and calls a minute (`kernel/bus/token-policy.ts`). */
const policy = object({
  max: optional(fields(whole)),
  oneOf: optional(fields(pipe(array(union([word, whole])), minLength(1), maxLength(limits.tokenChoicesMax)))),
  prefix: optional(fields(word)),
  rpm: optional(pipe(number(), integer(), minValue(1), maxValue(limits.tokenRpmMax))),
});
export type TokenPolicyInput = InferOutput<typeof policy>;

/** One capability's name, or a prefix that ends in a dot. */
const command = pipe(string(), check(isCommand, 'not a command'));
const hours = pipe(number(), integer(), minValue(1), maxValue(limits.tokenLifeMaxMs / 3600_000));
/** A token as text: base64url of its bytes, to be handed over as a link, a QR code or a message. */
const tokenText = pipe(string(), minLength(1), maxLength(Math.ceil((limits.tokenBytesMax * 4) / 3)));

/** Lets one device call a command on the devices of this neighbourhood, for a while and as far as the policy permits. 24 hours when no time is named. */
export const tokensIssue = define({
  name: 'tokens.issue',
  input: object({ audience: bytes32Id, command, policy: optional(policy, {}), hours: optional(hours, 24) }),
  output: object({ id: bytes32Id, token: string() }),
  policy: 'self',
  idempotent: false,
});

/** Hands a held token on to another device, never with more than it allows. What is not named stays as it is. */
export const tokensAttenuate = define({
  name: 'tokens.attenuate',
  input: object({
    id: bytes32Id,
    audience: bytes32Id,
    command: optional(command),
    policy: optional(policy, {}),
    hours: optional(hours),
  }),
  output: object({ id: bytes32Id, token: string() }),
  policy: 'self',
  idempotent: false,
});

/** Keeps a token that was made for this device; it is then shown with calls that need it. */
export const tokensAccept = define({
  name: 'tokens.accept',
  input: object({ token: tokenText }),
  output: object({ id: bytes32Id }),
  policy: 'self',
  idempotent: false,
});

const token = object({
  /** Hash of its last link: what a revocation names. */
  id: bytes32Id,
  /** held: made for this device; issued: made by it. */
  side: picklist(['held', 'issued']),
  issuer: bytes32Id,
  audience: bytes32Id,
  command: string(),
  policy,
  /** Milliseconds since 1970. */
  notBefore: count,
  expires: count,
  links: count,
  state: picklist(['valid', 'early', 'expired', 'old-epoch', 'revoked']),
});
export type TokenView = InferOutput<typeof token>;

/** Every token this device holds or has made, newest first. */
export const tokensList = define({
  name: 'tokens.list',
  input: object({}),
  output: object({ tokens: array(token) }),
  policy: 'self',
});

/** Takes a token back, for everybody, with all that was handed on from it. */
export const tokensRevoke = define({
  name: 'tokens.revoke',
  input: object({ id: bytes32Id }),
  output: object({}),
  policy: 'self',
  idempotent: false,
});
