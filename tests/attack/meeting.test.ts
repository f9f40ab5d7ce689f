import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { areBytesEqual, bytesToText, concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { encodeMeeting, parseMeeting, type MeetingMessage } from '../../src/lib/kernel/wire/meeting.ts';
import { createMeetingSeal } from '../../src/lib/transports/meeting-seal.ts';
import { readSdp } from '../../src/lib/transports/webrtc-sdp.ts';
import { fakeSdp } from '../contracts/transport-fake-rtc.ts';
import { bring, type Person } from '../contracts/transport-people.ts';
import { createFakeWebrtcWorld, type FakeWebrtcWorld } from '../contracts/transport-webrtc-world.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';

const id = (text: string): string => text.padEnd(22, '_');
const sdp = fakeSdp({ fingerprint: new Uint8Array(32).fill(3) });
const announce: MeetingMessage = { type: 'announce', from: 'mallory', session: id('s') };
const offer: MeetingMessage = {
  type: 'offer',
  from: 'mallory',
  session: id('s'),
  to: 'anna',
  toSession: id('t'),
  attempt: id('a'),
  sdp,
};
const answer: MeetingMessage = { type: 'answer', from: 'mallory', session: id('s'), to: 'anna', attempt: id('a'), sdp };

/** As encodeMeeting, of anything at all. */
const padded = (body: Uint8Array, paddedBytes = 1024): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(paddedBytes);
  new DataView(whole.buffer).setUint32(0, body.length);
  whole.set(body.subarray(0, paddedBytes - 4), 4);
  return whole;
};
const refusalOf = (value: { [key: string]: Cbor }): string => {
  const parsed = parseMeeting(padded(encodeCbor(value)));
  return parsed.ok ? 'taken' : parsed.error;
};

describe('meeting messages', () => {
  it('reads back what it wrote, and writes few different sizes', () => {
    for (const message of [announce, offer, answer, { ...announce, type: 'leave' } as const]) {
      const bytes = encodeMeeting(message);
      expect(parseMeeting(bytes)).toEqual({ ok: true, value: message });
      expect(bytes.length).toBe(1024);
    }
    expect(() => encodeMeeting({ ...offer, sdp: 'x'.repeat(20_000) })).toThrow(RangeError);
  });

  it('refuses each malformed message for its own reason', () => {
    const good = { v: 1, type: 'announce', from: 'mallory', session: id('s') };
    expect(refusalOf(good)).toBe('taken');
    expect(refusalOf({ ...good, v: 2 })).toBe('version');
    expect(refusalOf({ ...good, type: 'candidate' })).toBe('shape');
    expect(refusalOf({ ...good, extra: 1 })).toBe('shape');
    expect(refusalOf({ ...good, from: '' })).toBe('shape');
    expect(refusalOf({ ...good, from: 'a b' })).toBe('shape');
    expect(refusalOf({ ...good, from: 'x'.repeat(65) })).toBe('shape');
    expect(refusalOf({ ...good, session: 'short' })).toBe('shape');
    expect(refusalOf({ ...good, session: new Uint8Array(22) })).toBe('shape');
    expect(refusalOf({ ...good, type: 'offer' })).toBe('shape');
    expect(parseMeeting(padded(Uint8Array.of(0xff)))).toMatchObject({ error: 'not-cbor' });
    expect(parseMeeting(padded(encodeCbor([1])))).toMatchObject({ error: 'not-cbor' });
    expect(parseMeeting(padded(encodeCbor(good), 2048))).toMatchObject({ error: 'padding' });
    expect(parseMeeting(padded(encodeCbor(good)).fill(1, 1023))).toMatchObject({ error: 'padding' });
    expect(parseMeeting(new Uint8Array(3))).toMatchObject({ error: 'padding' });
    expect(parseMeeting(new Uint8Array(1024).fill(255))).toMatchObject({ error: 'padding' });
    expect(parseMeeting(new Uint8Array(limits.meetingMessageBytesMax + 1024))).toMatchObject({ error: 'oversized' });
  });

  it('survives twenty thousand mutations, and whatever it accepts has exactly these bytes', () => {
    const random = createSeededRandom(21);
    const seeds = [announce, offer, answer].map(encodeMeeting);
    for (let at = 0; at < 20_000; at++) {
      const bytes = (seeds[at % 3] ?? new Uint8Array(0)).slice();
      for (let flips = randomInt(random, 4); flips >= 0; flips--)
        bytes[randomInt(random, 300)] = randomInt(random, 256);
      const parsed = parseMeeting(at % 7 === 0 ? bytes.subarray(0, randomInt(random, 1024)) : bytes);
      if (parsed.ok && !areBytesEqual(encodeMeeting(parsed.value), bytes))
        expect.fail(`accepted another spelling of ${bytesToText(bytes)}`);
    }
  });

  it('opens a sealed message under its own key and tag only, and not with any byte changed', async () => {
    const random = createSeededRandom(22);
    const key = new Uint8Array(32).fill(1);
    const ours = createMeetingSeal({ key, tag: 'place', random });
    const sealed = await ours.seal(encodeMeeting(announce));
    expect(await ours.open(sealed)).toEqual({ ok: true, value: encodeMeeting(announce) });
    const otherKey = createMeetingSeal({ key: new Uint8Array(32).fill(2), tag: 'place', random });
    const otherTag = createMeetingSeal({ key, tag: 'elsewhere', random });
    const refused = { ok: false, error: 'unsealable' };
    expect(await otherKey.open(sealed)).toEqual(refused);
    expect(await otherTag.open(sealed)).toEqual(refused);
    for (let at = 0; at < sealed.length; at += 13) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await ours.open(changed)).toEqual(refused);
    }
    for (const length of [0, 11, 27, sealed.length - 1])
      expect(await ours.open(sealed.slice(0, length))).toEqual(refused);
  });
});

describe('session descriptions', () => {
  it('refuses what describes more than one data section of one certificate', () => {
    const other = fakeSdp({ fingerprint: new Uint8Array(32).fill(4) });
    const line = other.split('\r\n').find((text) => text.startsWith('a=fingerprint')) ?? '';
    expect(readSdp(sdp)).toEqual({ ok: true, value: { fingerprint: new Uint8Array(32).fill(3), candidateCount: 1 } });
    expect(readSdp(`${sdp}${line}\r\n`)).toMatchObject({ error: 'fingerprints-differ' });
    expect(readSdp(`${sdp}a=fingerprint:sha-1 00:11\n`)).toMatchObject({ error: 'fingerprints-differ' });
    expect(readSdp(sdp.replace('sha-256', 'sha-512'))).toMatchObject({ error: 'fingerprint-malformed' });
    expect(readSdp(sdp.replace(/a=fingerprint.*\r\n/, ''))).toMatchObject({ error: 'no-fingerprint' });
    expect(readSdp(`${sdp}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`)).toMatchObject({ error: 'not-data-only' });
    expect(readSdp(sdp.replace('m=application', 'm=video'))).toMatchObject({ error: 'not-data-only' });
    expect(readSdp('')).toMatchObject({ error: 'not-data-only' });
    expect(readSdp(sdp + 'a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n'.repeat(64))).toMatchObject({
      error: 'too-many-candidates',
    });
    expect(readSdp(sdp + '\n'.repeat(10_000))).toMatchObject({ error: 'too-many-lines' });
  });
});

/** Mallory holds the place's key: somebody inside who does not keep to the rules. */
const createInsider = (world: FakeWebrtcWorld) => {
  const seal = createMeetingSeal({ key: new Uint8Array(32).fill(1), tag: 'a-tag', random: createSeededRandom(23) });
  const read = async (): Promise<MeetingMessage[]> => {
    const messages: MeetingMessage[] = [];
    for (const data of world.hub.stranger.heard('a-tag')) {
      const plain = await seal.open(
        Uint8Array.from(atob(data.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0)),
      );
      const message = plain.ok ? parseMeeting(plain.value) : plain;
      if (message.ok) messages.push(message.value);
    }
    return messages;
  };
  return {
    read,
    say: async (message: MeetingMessage): Promise<void> => {
      world.hub.stranger.publish('a-tag', bytesToText(await seal.seal(encodeMeeting(message))));
    },
    sessionOf: async (name: string): Promise<string> =>
      (await read()).findLast(({ from }) => from === name)?.session ?? '',
  };
};

describe('a meeting place', () => {
  const bringTwo = async (): Promise<{
    world: FakeWebrtcWorld;
    anna: Person;
    bora: Person;
    refusals: () => ReadonlyMap<string, number>;
  }> => {
    const world = createFakeWebrtcWorld();
    const transport = world.transport('bora');
    const anna = bring(world, 'anna');
    const bora = bring({ ...world, transport: () => transport }, 'bora');
    await world.until('they are linked', () => anna.pipes.length === 1 && bora.pipes.length === 1);
    return { world, anna, bora, refusals: transport.refusals };
  };

  it('gives both ends the SHA-256 of the two certificates, the offerer first, as the binding', async () => {
    const { world, bora } = await bringTwo();
    const said = await createInsider(world).read();
    const fingerprints = (['offer', 'answer'] as const).map((type) => {
      const message = said.find((entry) => entry.type === type);
      const facts = readSdp(message?.type === 'offer' || message?.type === 'answer' ? message.sdp : '');
      return facts.ok ? facts.value.fingerprint : new Uint8Array(0);
    });
    const expected = new Uint8Array(await crypto.subtle.digest('SHA-256', concatBytes(...fingerprints)));
    expect(bora.pipes[0]?.carrier.binding).toEqual(expected);
  });

  it('refuses an offer for another, for an earlier session, from the wrong side, or made before', async () => {
    const { world, bora, refusals } = await bringTwo();
    const insider = createInsider(world);
    const session = await insider.sessionOf('bora');
    const wanted = { ...offer, from: 'alma', to: 'bora', toSession: session } as const;
    const old = (await insider.read()).find((message) => message.type === 'offer');
    expect(old).toBeDefined();
    if (old !== undefined) await insider.say(old);
    await insider.say({ ...wanted, to: 'chen' });
    await insider.say({ ...wanted, toSession: id('earlier') });
    await insider.say({ ...wanted, from: 'zora' });
    await insider.say({ ...wanted, from: 'bora' });
    await insider.say({ ...answer, from: 'anna', to: 'bora' });
    await world.settle();
    const counts = refusals();
    expect(
      ['replayed', 'for-another', 'stale-session', 'wrong-role', 'unknown-attempt'].map((reason) => counts.get(reason)),
    ).toEqual([1, expect.any(Number), 1, 1, 1]);
    expect(bora.pipes).toHaveLength(1);
  });

  it('is not made to call for chen, who has gone, by a stranger who plays his announcements again', async () => {
    const { world, anna } = await bringTwo();
    const insider = createInsider(world);
    const offersToChen = async (): Promise<number> =>
      (await insider.read()).filter((message) => message.type === 'offer' && message.to === 'chen').length;
    const chen = bring(world, 'chen');
    await world.until('chen is linked', () => chen.pipes.length === 2);
    chen.transport.stop();
    await world.until('anna knows that he has gone', () => anna.to('chen')?.ends.length === 1);
    await world.settle();
    const before = await offersToChen();
    const said = await insider.read();
    const recorded = world.hub.stranger
      .heard('a-tag')
      .filter((_, at) => said[at]?.from === 'chen' && said[at]?.type === 'announce');
    expect(recorded.length).toBeGreaterThan(0);
    for (const data of recorded) world.hub.stranger.publish('a-tag', data);
    await world.settle();
    expect(await offersToChen()).toBe(before);
  });

  it('ends an attempt whose description names two certificates, and gives no carrier for it', async () => {
    const { world, bora, refusals } = await bringTwo();
    const insider = createInsider(world);
    const toSession = await insider.sessionOf('bora');
    const twoFaced = `${sdp}a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AA').join(':')}\r\n`;
    await insider.say({ ...offer, from: 'alma', to: 'bora', toSession, sdp: twoFaced });
    await world.settle();
    expect(refusals().get('sdp: fingerprints-differ')).toBe(1);
    expect(bora.pipes).toHaveLength(1);
  });

  it('stays small and goes on working when somebody inside invents six hundred participants', async () => {
    const { world, anna, bora, refusals } = await bringTwo();
    const insider = createInsider(world);
    for (let at = 0; at < 600; at++) {
      await insider.say({ type: 'announce', from: `x${at}`, session: id(`s${at}`) });
      if (at % 50 === 0) await world.until('the next may speak', () => true).then(() => world.clock.advance(20));
    }
    await world.settle();
    expect((refusals().get('full') ?? 0) + (refusals().get('flooded') ?? 0)).toBeGreaterThan(300);
    expect([anna.pipes.length, bora.pipes.length]).toEqual([1, 1]);
    const chen = bring(world, 'chen');
    await world.until('chen is linked once the invented ones are forgotten', () => chen.pipes.length === 2);
  });
});
