import { decodeCbor, encodeCbor, isCborBytes, isCborMap, type Cbor } from '../kernel/codec.ts';
import { areBytesEqual, bytesToText, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { openExport, sealExport, type ExportKey } from '../crypto/export-seal.ts';
import { compareEntries } from '../log/effect.ts';
import { authorityLane, parseEvent } from '../log/event.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { Device } from './device.ts';
import {
  encodeExport,
  openExportFile,
  type ExportDocument,
  type ExportEvent,
  type ExportFile,
  type ExportHeader,
} from './export-file.ts';
import type { Identity } from './identity.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';
import type { Settings } from './settings.ts';

export type ExportDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly device: () => Device;
  readonly holder: NeighbourhoodHolder;
  readonly settings: Settings;
  readonly identity: Identity;
  /** One's own documents of the library, as they are kept. */
  readonly documents: () => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Adds one to the library; false when it was refused. */
  readonly addDocument: (document: ExportDocument) => Promise<boolean>;
  /** scrypt's cost; tests take a smaller one. */
  readonly scryptLog2?: number;
};

export type Imported = { readonly events: number; readonly refused: number; readonly tookKeys: boolean };

/** Taking one's data along as a file, and reading such a file. What it holds beside the sealed keys is no secret of this device's. */
export const createExport = (deps: ExportDeps) => {
  const { crypto, clock, random, holder, settings, identity } = deps;

  const make = async (key: ExportKey | null): Promise<Result<{ file: Bytes; name: string }, string>> => {
    const here = holder.current();
    const { root } = deps.device();
    if (key && !root) return err('no-root');
    const community = here?.log.community ?? null;
    const seal = key && root ? await sealRoot(key, await root.entropy(), community) : ok(null);
    if (!seal.ok) return seal;
    const { name, signalUrl } = settings.current();
    const header: ExportHeader = { community, name, signalUrl, madeAt: Math.floor(clock.now()), seal: seal.value };
    const documents = (await deps.documents()).flatMap((each) => [toCborMap(each)].filter((map) => map !== null));
    const file = await encodeExport(crypto, header, {
      events: here ? eventsOf(here) : [],
      proofs: [...(here?.log.proofs() ?? [])],
      documents,
    });
    if (file.length > limits.exportBytesMax) return err('export-too-large');
    return ok({ file, name: `hearthnet-${new Date(clock.now()).toISOString().slice(0, 10)}.hearth` });
  };

  const sealRoot = async (key: ExportKey, entropy: Bytes, community: Bytes | null) => {
    const plain = encodeCbor({ version: 1, root: entropy });
    const sealed = await sealExport({ crypto, random }, plain, key, sealContext(community), deps.scryptLog2);
    entropy.fill(0);
    plain.fill(0);
    return sealed;
  };

  /** Into the neighbourhood this device is in; or, on a device that is in none, as the person whose keys the file holds. */
  const read = async (bytes: Uint8Array, key: ExportKey | null): Promise<Result<Imported, string>> => {
    const file = await openExportFile(crypto, bytes);
    if (!file.ok) return file;
    const { header } = file.value;
    const here = holder.current();
    if (here) {
      if (!header.community || !areBytesEqual(header.community, here.log.community)) return err('export-foreign');
      const taken = await takeRecords(file.value, here);
      return taken.ok ? ok({ ...taken.value, tookKeys: false }) : taken;
    }
    return readAsPerson(file.value, key);
  };

  const readAsPerson = async (file: ExportFile, key: ExportKey | null): Promise<Result<Imported, string>> => {
    const { community, name, seal } = file.header;
    if (!seal) return err('export-without-keys');
    if (!key) return err('export-key-needed');
    const plain = await openExport(crypto, seal, key, sealContext(community));
    if (!plain.ok) return plain;
    const entropy = parseSealed(plain.value);
    if (!entropy) return err('seal-malformed');
    const here = community && (await holder.open(community));
    const taken = await takeRecords(file, here);
    if (!taken.ok) return taken;
    const isKnown = here !== null && here.log.size > 0;
    if (!isKnown) holder.close();
    const known = isKnown ? { community: { id: bytesToText(here.log.community) } } : {};
    if (!(await settings.save({ name, ...known }))) return err('quota-full');
    const become = await identity.become({ root: { entropy }, device: 'new' }, []);
    entropy.fill(0);
    return become.ok ? ok({ ...taken.value, tookKeys: true }) : become;
  };

  const takeRecords = async (
    file: ExportFile,
    here: Neighbourhood | null,
  ): Promise<Result<{ events: number; refused: number }, string>> => {
    let events = 0;
    let refused = 0;
    for (const record of file.records()) {
      if (record.kind === 'unreadable') refused += 1;
      else if (record.kind === 'document') refused += (await deps.addDocument(record.document)) ? 0 : 1;
      else if (!here) continue;
      else if (record.kind === 'proofs') for (const proof of record.proofs) await here.log.receiveProof(proof, source);
      else {
        const taken = await here.log.receive(record.events, source);
        if (!taken.ok) return taken;
        events += taken.value.ready.length;
        refused += taken.value.refused.length;
        if (taken.value.known > 0) await fillPayloads(here, record.events);
      }
    }
    return ok({ events, refused });
  };

  /** Events that are here already may lack the payload that the file has. */
  const fillPayloads = async ({ log }: Neighbourhood, events: readonly ExportEvent[]): Promise<void> => {
    if (log.missingPayloads(1).length === 0) return;
    const payloads: { id: string; payload: Bytes }[] = [];
    for (const { envelope, payload } of events) {
      const event = payload && (await parseEvent(crypto, envelope));
      if (event?.ok && payload) payloads.push({ id: event.value.id, payload });
    }
    await log.receivePayloads(payloads, source);
  };

  return { make, read };
};
export type Export = ReturnType<typeof createExport>;

const source = 'import';

const sealContext = (community: Bytes | null): Bytes => community ?? utf8('none');

/** Authority first and in the order of its writing, so that every author is known before what they wrote. */
const eventsOf = ({ log }: Neighbourhood): ExportEvent[] =>
  [...log.all()]
    .toSorted(
      (a, b) =>
        Number(b.event.header.lane === authorityLane) - Number(a.event.header.lane === authorityLane) ||
        compareEntries(a, b),
    )
    .map(({ event, payload }) => ({ envelope: event.envelope, payload }));

const parseSealed = (plain: Bytes): Bytes | null => {
  const decoded = decodeCbor(plain);
  if (!decoded.ok || !isCborMap(decoded.value) || decoded.value.version !== 1) return null;
  return isCborBytes(decoded.value.root, 16) ? decoded.value.root : null;
};

/** Texts, numbers and bytes as they are kept; what CBOR has no word for is left out. */
const toCborMap = (value: Readonly<Record<string, unknown>>): ExportDocument | null => {
  const entries = Object.entries(value).flatMap(([key, each]): [string, Cbor][] =>
    typeof each === 'string' || typeof each === 'boolean' || each instanceof Uint8Array
      ? [[key, each instanceof Uint8Array ? (each.slice() as Bytes) : each]]
      : [],
  );
  return entries.length > 0 ? Object.fromEntries(entries) : null;
};
