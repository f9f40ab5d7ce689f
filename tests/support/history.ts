import { createHash } from 'node:crypto';
import type { Certificate } from '../../src/lib/crypto/certificate.ts';
import { bytesToText, concatBytes, textToBytes } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Role } from '../../src/lib/kernel/bus/capability.ts';
import type { Witnesses } from '../../src/lib/log/admissions.ts';
import { communityOf, signEvent, type Event, type Header } from '../../src/lib/log/event.ts';
import {
  cutFieldsOf,
  encodeIntent,
  encodeStatement,
  intentMessage,
  statementMessage,
  type Cut,
  type SharedAct,
} from '../../src/lib/log/intent.ts';
import { encodePayload, kinds, type KindName, type Payload } from '../../src/lib/log/kinds.ts';
import type { Entry } from '../../src/lib/log/lanes.ts';
import type { MembershipLog } from '../../src/lib/log/membership.ts';
import type { Actor } from './actors.ts';
import { createNodeCrypto } from './node-crypto.ts';
import { seededRandom } from './test-neighbours.ts';

/** What a deed is about, in plain words: what the slow reference reads instead of bytes. */
export type About = {
  readonly target?: string;
  readonly role?: Role;
  readonly device?: string;
  readonly owner?: string;
  readonly invite?: string;
  readonly signers?: readonly string[];
  /** How many leading authority events of a device count, by device. */
  readonly cuts?: ReadonlyMap<string, number>;
  readonly intent?: string;
  readonly epoch?: string;
  readonly check?: string;
  readonly proposal?: string;
  readonly isSigned?: boolean;
};

export type Deed = {
  readonly id: string;
  readonly author: string;
  readonly seq: number;
  readonly kind: KindName;
  /** Of each device how many authority events its writer named. */
  readonly named: ReadonlyMap<string, number>;
  readonly about: About;
  readonly entry: Entry;
};

type Options = {
  /** What the writer knew: everything so far when left out. Its own earlier deeds always count. */
  readonly knows?: readonly Deed[];
  readonly hlc?: number;
};

const crypto = createNodeCrypto(seededRandom('histories'));
export const sha = (text: string | Uint8Array): Bytes => new Uint8Array(createHash('sha256').update(text).digest());
const noBytes = new Uint8Array(0) as Bytes;

/**
 * Writes authority events by hand, as honest or as crooked as one likes. `isReal` signs everything, so that a real log takes
 * it in; without it ids are hashes and nothing is signed, which is a hundred times faster and enough for the fold.
 */
export const createHistory = (isReal = false) => {
  const deeds: Deed[] = [];
  const deedsByDevice = new Map<string, Deed[]>();
  const digestsByDevice = new Map<string, Bytes[]>();
  const certificates = new Map<string, Certificate>();
  const devicesByPerson = new Map<string, string[]>();
  let community: Bytes = sha('community').slice(0, 16);
  let nonce = 0;

  const digestAt = (device: string, count: number): Bytes =>
    count === 0 ? new Uint8Array(32) : (digestsByDevice.get(device)?.[count - 1] ?? new Uint8Array(32));

  const lanesOf = (author: string, knows: readonly Deed[]): Map<string, number> => {
    const named = new Map<string, number>();
    for (const deed of knows)
      if (deed.author !== author) named.set(deed.author, Math.max(named.get(deed.author) ?? 0, deed.seq + 1));
    return named;
  };

  const seal = async (by: Actor, header: Header): Promise<Event> =>
    isReal
      ? signEvent(crypto, by.keys.signing, header)
      : {
          header,
          id: bytesToText(sha(concatBytes(header.author, header.payloadHash, sha(`${header.seq} ${header.hlc}`)))),
          author: by.device,
          envelope: noBytes,
        };

  const write = async <K extends KindName>(
    by: Actor,
    kind: K,
    body: (auth: Bytes[]) => Payload<K>,
    about: About,
    { knows = deeds, hlc }: Options = {},
  ): Promise<Deed> => {
    const own = deedsByDevice.get(by.device) ?? [];
    const named = lanesOf(by.device, knows);
    const auth = [...named].map(([device, count]) => digestAt(device, count));
    const payload = encodePayload(seededRandom(`salt ${nonce++}`), kind, body(auth));
    const header: Header = {
      community: kind === 'community.genesis' ? new Uint8Array(16) : community,
      author: by.keys.signing.publicKey,
      lane: 0,
      seq: own.length,
      hlc: hlc ?? 4096 * (deeds.length + 1),
      kind: kinds[kind].number,
      expires: 0,
      payloadHash: sha(payload),
      payloadSize: payload.length,
    };
    const entry: Entry = { event: await seal(by, header), payload };
    const { id } = entry.event;
    const deed: Deed = { id, author: by.device, seq: own.length, kind, named, about, entry };
    const digest = sha(concatBytes(digestAt(by.device, own.length), textToBytes(id) ?? noBytes));
    digestsByDevice.set(by.device, [...(digestsByDevice.get(by.device) ?? []), digest]);
    deedsByDevice.set(by.device, [...own, deed]);
    deeds.push(deed);
    return deed;
  };

  const noteCertificate = (deed: Deed, { certificate, person, device }: Actor): Deed => {
    certificates.set(deed.id, certificate);
    const devices = devicesByPerson.get(person) ?? [];
    if (!devices.includes(device)) devicesByPerson.set(person, [...devices, device]);
    return deed;
  };

  const cutOf = (device: string, count: number): Cut => ({
    device: textToBytes(device) ?? noBytes,
    lane: 0,
    count,
    digest: digestAt(device, Math.min(count, digestsByDevice.get(device)?.length ?? 0)),
  });
  /** Everything of these devices that the writer knew counts. */
  const knownCuts = (devices: readonly string[], knows: readonly Deed[]): Cut[] =>
    devices.flatMap((device) => {
      const count = Math.max(0, ...knows.filter(({ author }) => author === device).map(({ seq }) => seq + 1));
      return count === 0 ? [] : [cutOf(device, count)];
    });
  const countsOf = (cuts: readonly Cut[]): ReadonlyMap<string, number> =>
    new Map(cuts.map(({ device, count }) => [bytesToText(device), count]));

  const intentFor = (
    act: SharedAct,
    target: Actor,
    cuts: readonly Cut[],
    of: Bytes = community,
  ): { bytes: Bytes; about: About } => {
    const person = textToBytes(target.person) ?? noBytes;
    const bytes = encodeIntent({ community: of, act, person, cuts, nonce: sha(`nonce ${nonce++}`).slice(0, 16) });
    return { bytes, about: { target: target.person, cuts: countsOf(cuts), intent: bytesToText(bytes) } };
  };
  const signIntent = async (signer: Actor, intent: Bytes): Promise<{ device: Bytes; signature: Bytes }> => ({
    device: signer.keys.signing.publicKey,
    signature: isReal ? await signer.keys.signing.sign(intentMessage(intent)) : new Uint8Array(64),
  });

  return {
    deeds,
    write,
    cutOf,
    knownCuts,
    intentFor,
    signIntent,
    community: (): Bytes => community,
    digestAt,
    found: async (by: Actor): Promise<Deed> => {
      const body = { name: 'Lindenstrasse', personName: by.name, certificate: by.certificate.bytes };
      const about = { device: by.device, owner: by.person };
      const deed = noteCertificate(await write(by, 'community.genesis', () => body, about, { hlc: 0 }), by);
      if (isReal) community = await communityOf(crypto, deed.entry.event);
      return deed;
    },
    admit: async (by: Actor, guest: Actor, options: Options & { invite?: string } = {}): Promise<Deed> => {
      const invite = options.invite ?? `${guest.name} ${nonce}`;
      const body = {
        certificate: guest.certificate.bytes,
        personName: guest.name,
        inviteHash: sha(invite),
        epoch: new Uint8Array(16),
        sealedKey: new Uint8Array(80),
      };
      const about = { device: guest.device, owner: guest.person, invite };
      return noteCertificate(await write(by, 'community.admit', (auth) => ({ auth, ...body }), about, options), guest);
    },
    addDevice: async (by: Actor, device: Actor, options: Options = {}): Promise<Deed> => {
      const body = {
        certificate: device.certificate.bytes,
        epoch: new Uint8Array(16),
        sealedKey: new Uint8Array(80),
      };
      const about = { device: device.device, owner: device.person };
      return noteCertificate(await write(by, 'device.add', (auth) => ({ auth, ...body }), about, options), device);
    },
    rename: (by: Actor, personName: string, options: Options = {}): Promise<Deed> =>
      write(by, 'person.profile', (auth) => ({ auth, personName }), {}, options),
    promote: (by: Actor, target: Actor, role: 'trusted' | 'anchor', options: Options = {}): Promise<Deed> => {
      const person = textToBytes(target.person) ?? noBytes;
      const about = { target: target.person, role };
      return write(by, 'community.promote', (auth) => ({ auth, person, role }), about, options);
    },
    policy: (by: Actor, admit: Role, options: Options = {}): Promise<Deed> =>
      write(by, 'community.policy', (auth) => ({ auth, admit }), { role: admit }, options),
    openEpoch: (by: Actor, epoch: string, check: string, options: Options = {}): Promise<Deed> =>
      write(
        by,
        'community.key',
        (auth) => ({ auth, epoch: sha(epoch).slice(0, 16), check: sha(check), sealed: [] }),
        { epoch, check },
        options,
      ),
    /** A removal or demotion, signed by these devices. `cuts` are what the writer knew unless given. */
    against: async (
      by: Actor,
      act: SharedAct,
      target: Actor,
      signers: readonly Actor[],
      options: Options & { cuts?: readonly Cut[] } = {},
    ): Promise<Deed> => {
      const { knows = deeds } = options;
      const cuts = options.cuts ?? knownCuts(devicesByPerson.get(target.person) ?? [], knows);
      const { bytes, about } = intentFor(act, target, cuts);
      const signatures = await Promise.all(signers.map((signer) => signIntent(signer, bytes)));
      return write(
        by,
        act === 'remove' ? 'community.remove' : 'community.demote',
        (auth) => ({ auth, intent: bytes, signatures }),
        { ...about, signers: signers.map(({ device }) => device) },
        options,
      );
    },
    leave: (by: Actor, options: Options & { cuts?: readonly Cut[] } = {}): Promise<Deed> => {
      const cuts = options.cuts ?? knownCuts(devicesByPerson.get(by.person) ?? [], options.knows ?? deeds);
      const about = { target: by.person, cuts: countsOf(cuts) };
      return write(by, 'community.leave', (auth) => ({ auth, cuts: cuts.map(cutFieldsOf) }), about, options);
    },
    revoke: async (
      by: Actor,
      device: Actor,
      options: Options & { cuts?: readonly Cut[]; root?: Actor } = {},
    ): Promise<Deed> => {
      const cuts = options.cuts ?? knownCuts([device.device], options.knows ?? deeds);
      const statement = encodeStatement(community, textToBytes(device.device) ?? noBytes, cuts);
      const { rootSign, person } = options.root ?? device;
      const signature = isReal ? await rootSign(statementMessage(statement)) : new Uint8Array(64);
      const about = { device: device.device, cuts: countsOf(cuts), isSigned: person === device.person };
      return write(by, 'device.revoke', (auth) => ({ auth, statement, signature }), about, options);
    },
    /** What a log with these deeds says, in the order given; without `isReal` nothing else can. */
    logOf: (order: readonly Deed[] = deeds): MembershipLog => {
      const byId = new Map(deeds.map((deed) => [deed.id, deed]));
      const witnesses: Witnesses = {
        certificateOf: (id) => certificates.get(id),
        signersOf: (id) => new Set(byId.get(id)?.about.signers ?? []),
        isEndorsing: (id) => byId.get(id)?.about.isSigned ?? false,
        rootsOf: (id) => {
          const { isSigned, device } = byId.get(id)?.about ?? {};
          const owner = [...devicesByPerson].find(([, devices]) => devices.includes(device ?? ''))?.[0];
          return new Set(isSigned && owner !== undefined ? [owner] : []);
        },
      };
      return {
        community,
        all: function* () {
          for (const deed of order) yield deed.entry;
        },
        ...witnesses,
      };
    },
  };
};
export type History = ReturnType<typeof createHistory>;
