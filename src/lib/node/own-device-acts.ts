import { libraryIngest } from '../contracts/library.ts';
import type { Devices, OwnDevice } from '../contracts/devices.ts';
import type { AnyCapability } from '../kernel/bus/call.ts';
import { textToBytes } from '../kernel/ids.ts';
import { err, type Result } from '../kernel/result.ts';
import { createActs, type Acts } from '../log/acts.ts';
import type { DeviceActs } from '../services/devices.ts';
import { keyPrefix } from '../services/library/shelf.ts';
import type { Entry } from './entry.ts';
import type { Export, ExportDeps } from './export.ts';
import { createAdoption } from './linking-adopt.ts';
import type { OwnDevices, OwnDevicesDeps } from './own-devices.ts';

/** What a person sees of their own devices and does with them: one comes in, is lost, comes back from the card, or moves its data. */
export const createOwnDeviceActs = (
  { deps, linking, isMember }: OwnDevices,
  entry: Pick<Entry, 'link'>,
): { readonly list: () => Devices; readonly acts: DeviceActs } => {
  const { crypto, clock, holder, identity, retirement, settings, device } = deps;
  const acts = (): Acts => createActs({ crypto, random: deps.random, device: device().keys });
  const adoption = createAdoption({ crypto, clock, holder, acts, isMember });

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

  return {
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
    acts: {
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
    },
  };
};

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
