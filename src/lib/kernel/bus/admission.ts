import { safeParse } from 'valibot';
import { authorize, type GateViews } from './authorize.ts';
import { isLazyInput, type LazyInput } from './call.ts';
import { failure, type Failure } from '../errors.ts';
import type { Leash } from './leash.ts';
import { err, ok, type Result } from '../result.ts';
import { permitByPolicy } from './token-policy.ts';
import type { TokenRates } from './token-rates.ts';
import type { TokenGrant } from './token-view.ts';
import type { Underway } from './underway.ts';

export type GateDeps = {
  readonly views: GateViews;
  readonly tokenRates: TokenRates;
  /** What the node itself has against it, asked between the first gate and the reading of the input. */
  readonly refusalOf: (call: Underway) => Failure | null;
};

/** `raw` is the input as it came, `value` as the schema gives it. */
export type Admitted = { readonly raw: unknown; readonly value: unknown };

/**
 * The two gates with the schema between them: who calls -> does this node give it -> is the question well put -> the input is read,
 * and only now -> schema -> permit -> tokens.
 */
export const admit = async (
  { views, tokenRates, refusalOf }: GateDeps,
  call: Underway,
): Promise<Result<Admitted, Failure>> => {
  const { caller, capability, input, options, leash } = call;
  const params = options.params ?? {};
  const opened = await authorize(caller, capability, params, options.tokens ?? [], views);
  if (!opened.ok) return opened;
  const refused = refusalOf(call);
  if (refused) return err(refused);
  for (const name in params) if (!capability.params.includes(name)) return err(failure('bad_request', 'param-unknown'));
  if (options.items && !capability.inputItem) return err(failure('bad_request', 'no-input-stream'));
  const read = isLazyInput(input) && leash ? await readLazily(input.read, leash) : ok(input);
  if (!read.ok) return read;
  const parsed = safeParse(capability.input, read.value);
  if (!parsed.success) return err(failure('schema_mismatch', parsed.issues[0].message));
  const forbidden = capability.permit(caller, parsed.output, views);
  if (forbidden) return err(forbidden);
  const beyond = permitByGrants(opened.value, parsed.output, tokenRates);
  if (beyond) return err(beyond);
  return ok({ raw: read.value, value: parsed.output });
};

const readLazily = async (read: LazyInput['read'], leash: Leash): Promise<Result<unknown, Failure>> => {
  const reading = await leash.wait(Promise.resolve(read(leash.signal)));
  return reading.ok ? reading.value : reading;
};

/** Who was let in by tokens must have one whose every link permits this input and has a call left in this minute. */
const permitByGrants = (grants: readonly TokenGrant[], input: unknown, rates: TokenRates): Failure | null => {
  let firstRefusal: Failure | null = null;
  for (const { links } of grants) {
    const refused = links.map(({ policy }) => permitByPolicy(policy, input)).find((each) => each !== null);
    const verdict = refused ?? rates.take(links);
    if (verdict === null) return null;
    firstRefusal ??= verdict;
  }
  return firstRefusal;
};
