import { describe, expect, it } from 'vitest';
import { initiateHello, respondHello } from '../../src/lib/crypto/hello.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createNeighbours } from '../../src/lib/mesh/neighbours.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createVirtualClock, passVirtualTime, systemRandom } from '../contracts/transport-world.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { doneOf, helloDeps, runHello, selfOf } from '../unit/hello-fixture.ts';
import { hashOf, makePerson, platformCrypto, type Person } from '../unit/street-fixture.ts';

const people = async (): Promise<[Person, Person, Person]> => [
  await makePerson('anna'),
  await makePerson('bora'),
  await makePerson('mallory'),
];

describe('attacks on Hello', () => {
  it('lying server: it swaps the fingerprints to sit between them, and neither believes it', async () => {
    const [anna, bora] = await people();
    const toAnna = helloDeps(anna, { binding: hashOf('anna to mallory') });
    const toBora = helloDeps(bora, { binding: hashOf('mallory to bora') });
    expect((await runHello(toAnna, toBora)).initiator).toEqual({ ok: false, error: 'hello-unsealable' });
    // Even a member who has the community's key and relays every message unchanged.
    expect((await runHello(toBora, toAnna)).initiator).toEqual({ ok: false, error: 'hello-unsealable' });
  });

  it('tampering: no changed byte of any of the three messages lets both sides come to an end', async () => {
    const [anna, bora] = await people();
    const lengths = (await runHello(helloDeps(anna), helloDeps(bora))).messages.map(({ length }) => length);
    let survived = 0;
    for (const [index, name] of (['first', 'second', 'third'] as const).entries()) {
      for (let at = 0; at < (lengths[index] ?? 0); at += index === 0 ? 1 : 3) {
        const outcome = await runHello(helloDeps(anna), helloDeps(bora), {
          [name]: (message: Uint8Array) => message.map((byte, place) => (place === at ? byte ^ 0x80 : byte)),
        });
        if (outcome.initiator?.ok && outcome.responder?.ok) survived += 1;
      }
    }
    expect(survived).toBe(0);
  }, 60_000);

  it('cutting: no message cut anywhere is taken', async () => {
    const [anna, bora] = await people();
    let survived = 0;
    for (const name of ['first', 'second', 'third'] as const)
      for (const share of [0, 0.1, 0.5, 0.9, 0.99]) {
        const outcome = await runHello(helloDeps(anna), helloDeps(bora), {
          [name]: (message: Uint8Array) => message.subarray(0, Math.floor(message.length * share)),
        });
        if (outcome.initiator?.ok && outcome.responder?.ok) survived += 1;
      }
    expect(survived).toBe(0);
  });

  it('reflection: anna is shown her own words as if they were a neighbour', async () => {
    const [anna] = await people();
    const begun = await initiateHello(helloDeps(anna));
    const herself = unwrap(await respondHello(helloDeps(anna), begun.first));
    expect(await begun.finish(herself.second)).toEqual({ ok: false, error: 'hello-self' });
    expect(await begun.finish(begun.first)).toEqual({ ok: false, error: 'hello-malformed' });
  });

  it('replay: what bora said in an earlier meeting opens nothing in a later one', async () => {
    const [anna, bora] = await people();
    const earlier = await runHello(helloDeps(bora), helloDeps(anna));
    doneOf(earlier);
    const [first = new Uint8Array(0), , third = new Uint8Array(0)] = earlier.messages;
    const again = unwrap(await respondHello(helloDeps(anna), first));
    expect(await again.finish(third)).toEqual({ ok: false, error: 'hello-unsealable' });
    const earlierAnswer = (await runHello(helloDeps(anna), helloDeps(bora))).messages[1] ?? new Uint8Array(0);
    const begun = await initiateHello(helloDeps(anna));
    expect(await begun.finish(earlierAnswer)).toEqual({ ok: false, error: 'hello-unsealable' });
  });

  it('identity misbinding: mallory cannot pass off a meeting with herself as one with bora', async () => {
    const [anna, bora, mallory] = await people();
    const asBora = helloDeps(bora, { self: { ...selfOf(bora), signing: mallory.keys.signing } });
    expect((await runHello(helloDeps(anna), asBora)).initiator).toEqual({ ok: false, error: 'hello-signature' });
    expect((await runHello(asBora, helloDeps(anna))).responder).toEqual({ ok: false, error: 'hello-signature' });
  });

  it('noise: 3,000 random and mutated messages are refused without a throw', async () => {
    const [anna, bora] = await people();
    const random = seededRandom('hello noise');
    const good = (await runHello(helloDeps(anna), helloDeps(bora))).messages;
    const begun = await initiateHello(helloDeps(anna));
    const answered = unwrap(await respondHello(helloDeps(anna), begun.first));
    let taken = 0;
    for (let at = 0; at < 3_000; at++) {
      const bytes = at % 2 === 0 ? random.bytes(randomInt(random, 80)) : (good[at % 3] ?? new Uint8Array(1)).slice();
      if (at % 2 === 1) bytes[randomInt(random, bytes.length)] = randomInt(random, 256);
      if ((await begun.finish(bytes)).ok) taken += 1;
      if ((await answered.finish(bytes)).ok) taken += 1;
      await respondHello(helloDeps(anna), bytes);
    }
    expect(taken).toBe(0);
  }, 60_000);
});

describe('attacks on the meeting of newcomer and inviter', () => {
  const meet = async (asker: Person, host: Person, expected: string) => {
    const clock = createVirtualClock();
    const network = createMemoryNetwork({ clock, random: seededRandom('door') });
    const refused: string[] = [];
    const nodeOf = (person: Person) =>
      createNeighbours({
        clock,
        random: systemRandom,
        crypto: platformCrypto,
        transport: network.transport(person.name),
        self: () => selfOf(person),
        onRefused: (reason) => refused.push(reason),
      });
    const [asking, hosting] = [nodeOf(asker), nodeOf(host)];
    const meeting = { tag: 'tag-of-the-invite', key: hashOf('meeting'), psk: hashOf('psk') };
    const met: string[] = [];
    hosting.meetGuests(meeting, () => undefined);
    asking.meetInviter(meeting, expected, (guest) => met.push(guest.peer.name));
    const time = passVirtualTime(clock);
    await time.until('somebody was met or refused', () => met.length + refused.length > 0);
    asking.stop();
    hosting.stop();
    return { met, refused };
  };

  it('stolen invite: whoever holds the secret can knock, but only the inviter named in it is believed', async () => {
    const [anna, bora, mallory] = await people();
    expect(await meet(bora, anna, anna.device)).toEqual({ met: ['anna'], refused: [] });
    const fooled = await meet(bora, mallory, anna.device);
    expect(fooled.met).toEqual([]);
    expect(fooled.refused).toContain('hello-unexpected-device');
  });
});
