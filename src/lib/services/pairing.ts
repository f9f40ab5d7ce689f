import { meshPair, meshPairWith, type Pairing } from '../contracts/pairing.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import { failure } from '../kernel/errors.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { watch } from '../kernel/watch.ts';

/** One pairing, as the mesh runs it; a refusal is a reason. */
export type PairingWay = {
  view(): Pairing;
  onChange(listener: () => void): () => void;
  take(code: string): Promise<Result<null, string>>;
  close(): void;
};

export type PairingServiceDeps = { readonly bus: Bus; readonly open: () => PairingWay };

/** Two codes on two screens make a link. One pairing at a time: two codes on one screen would only be mixed up. */
export const createPairingService = ({ bus, open }: PairingServiceDeps): Startable => {
  const stops = createStops();
  let current: PairingWay | null = null;
  return {
    start: () => {
      stops.add(
        bus.register(meshPair, async function* (_input, { signal }) {
          current?.close();
          const own = open();
          current = own;
          try {
            return ok(yield* watch(own.view, own.onChange, signal));
          } finally {
            own.close();
            if (current === own) current = null;
          }
        }),
      );
      stops.add(
        bus.register(meshPairWith, async ({ code }) => {
          if (!current) return err(failure('not_found', 'pairing-not-now'));
          const taken = await current.take(code);
          return taken.ok ? ok({}) : err(failure('bad_request', taken.error));
        }),
      );
      stops.add(() => current?.close());
    },
    stop: stops.run,
  };
};
