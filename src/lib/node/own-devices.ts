import { libraryIngest } from '../contracts/library.ts';
import type { Devices, OwnDevice } from '../contracts/devices.ts';
import type { AnyCapability } from '../kernel/call.ts';
import { textToBytes } from '../kernel/ids.ts';
import { err, type Result } from '../kernel/result.ts';
import { createActs, type Acts } from '../log/acts.ts';
import type { DeviceActs } from '../services/devices.ts';
import { keyPrefix } from '../services/library/shelf.ts';
import type { RemoteCaller } from '../kernel/routed-call.ts';
import type { Entry } from './entry.ts';
import type { Export, ExportDeps } from './export.ts';
import type { Identity } from './identity.ts';
import { createReturn } from './identity-return.ts';
import type { Retirement } from './identity-retire.ts';
import type { LateParts } from './late-parts.ts';
import { createAdoption } from './linking-adopt.ts';
import { createLinking, type LinkingDeps } from './linking.ts';
import type { Bus } from '../kernel/bus.ts';
import type { Random } from '../kernel/ports/random.ts';

export type OwnDevicesDeps = Omit<LinkingDeps, 'acts'> & {
  readonly random: Random;
  readonly bus: Bus;
  readonly rpc: RemoteCaller;
  readonly identity: Identity;
  readonly retirement: Retirement;
  readonly parts: Pick<LateParts, 'export'>;
  /** Erases everything and ends this node; null, or why it could not. */
  readonly erase: () => Promise<string | null>;
  readonly scryptLog2?: number;
};

/** Everything a person does with their own devices, in one place: linking, coming back, giving up, taking along. */
export const createOwnDevices = (deps: OwnDevicesDeps) => {
  const { crypto, clock, holder, neighbours, identity, retirement, settings, device } = deps;
  const acts = (): Acts => createActs({ crypto, random: deps.random, device: device().keys });
  const isMember = (): boolean => holder.current()?.membership().roleOf(device().device) != null;
  const linking = createLinking({ ...deps, acts });
  const adoption = createAdoption({ crypto, clock, holder, acts, isMember });
  const comingBack = createReturn({ ...deps, links: neighbours.links, remote: deps.rpc });

  const withExport = async <T>(use: (exporting: Export) => Promise<Result<T, string>>): Promise<Result<T, string>> => {
    const part = await deps.parts.export();
    return part.ok ? use(part.value.createExport({ ...deps, ...documentsOf(deps) })) : part;
  };

  const revoke = async (given: string): Promise<string | null> => {
    const here = holder.current();
    const { root, device: self } = device();
    if (!here || !isMember()) return 'not-a-member';
    if (!root) return 'no-root';
    if (given === self) return 'this-device';
    const known = ownDevices(deps).find((each) => each.device === given);
    const key = textToBytes(given);
    if (!known || !key) return 'device-unknown';
    if (known.state === 'revoked') return 'device-revoked';
    const written = await acts().revokeDevice(here, { device: key, rootSign: root.sign });
    return written.ok ? null : written.error;
  };

  const restore: DeviceActs['restore'] = async (text, name) => {
    if (isMember() || settings.current().community?.invite) return err('already-member');
    const entropy = await identity.readCard(text);
    if (!entropy.ok)
      return err('position' in entropy.error ? `card-word-${entropy.error.position}` : entropy.error.reason);
    if (!(await settings.save({ name }))) return err('quota-full');
    const become = await identity.become({ root: { entropy: entropy.value }, device: 'new' }, [retirement.forgetting]);
    entropy.value.fill(0);
    return become;
  };

  /** Somebody else signs with our key, or has: this device gives it up. */
  const stopWatching = holder.onChange(() => {
    const here = holder.current();
    if (here && here.log.frozenSince(device().device) !== null) retirement.retire('own-forked', here);
  });

  return {
    linking,
    comingBack,
    /** A neighbour has shown more of our own lanes than we had (`behind`), or something else. */
    noteOwnAhead: (kind: 'behind' | 'forked'): void => {
      const here = holder.current();
      if (here) retirement.retire(kind === 'behind' ? 'own-behind' : 'own-forked', here);
    },
    stop: (): void => {
      stopWatching();
      linking.stop();
    },
    list: (): Devices => ({
      devices: ownDevices(deps),
      hasRoot: device().root !== null,
      cardShownAt: identity.cardNotes().shownAt,
      cardTestedAt: identity.cardNotes().testedAt,
      linking: linking.waiting().map(({ guest, emoji, since }) => ({
        request: guest.link.peer.device,
        emoji: [...emoji],
        since: Math.floor(since),
      })),
      linkCode: linking.code(),
      retiredReason: retirement.current()?.reason ?? '',
    }),
    acts: (entry: Pick<Entry, 'link'>): DeviceActs => ({
      makeCode: linking.makeCode,
      link: entry.link,
      confirm: linking.confirm,
      revoke,
      card: identity.card,
      testCard: identity.testCard,
      restore,
      exportFile: (key) => withExport((exporting) => exporting.make(key)),
      importFile: (file, key) => withExport((exporting) => exporting.read(file, key)),
      erase: deps.erase,
      adopt: adoption.adopt,
    }),
  };
};
export type OwnDevices = ReturnType<typeof createOwnDevices>;

/** Every device of this person, the ones given up among them; oldest first. */
const ownDevices = ({ holder, device, neighbours }: OwnDevicesDeps): OwnDevice[] => {
  const self = device();
  const heardAt = new Map(neighbours.live().map((link) => [link.peer.device, Math.floor(link.lastHeardAt())]));
  return [...(holder.current()?.membership().devicesOf(self.person) ?? [])]
    .map((each) => ({
      ...each,
      isSelf: each.device === self.device,
      lastHeardAt: heardAt.get(each.device) ?? null,
    }))
    .toSorted((a, b) => a.since - b.since);
};

const documentsOf = ({ store, bus }: OwnDevicesDeps): Pick<ExportDeps, 'documents' | 'addDocument'> => ({
  documents: async () =>
    (await store.list(keyPrefix)).flatMap(({ value }) =>
      typeof value === 'object' && value !== null ? [value as Readonly<Record<string, unknown>>] : [],
    ),
  addDocument: async (document) => {
    const items = bus.serve({ kind: 'self' }, libraryIngest as unknown as AnyCapability, document, {});
    let step = await items.next();
    while (!step.done) step = await items.next();
    return step.value.ok;
  },
});
