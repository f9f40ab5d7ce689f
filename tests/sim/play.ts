import { askAnswer } from '../../src/lib/contracts/ask.ts';
import { chatSend } from '../../src/lib/contracts/chat.ts';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { libraryIngest } from '../../src/lib/contracts/library.ts';
import { nodeConfigure, nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { noFaults } from '../../src/lib/transports/memory-faults.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import type { SimDevice } from './device.ts';
import { textBytes } from './disk.ts';
import { unrest, type Said } from './final-checks.ts';
import { describeAct, topics, type Act, type Plan } from './plan.ts';
import { createReceiptWatch } from './receipt-watch.ts';
import type { Upheavals } from './upheavals.ts';
import type { World } from './world.ts';

const people = ['anna', 'bora', 'chen', 'dana', 'emil', 'fred', 'gina', 'hugo', 'ines', 'jana', 'karl', 'lena'];
const watchEveryMs = 5_000;
const quietWithinMs = 20 * 60_000;
const rightClockBeyondMs = 3_600_000;

/** Found, invite, knock, admit: one after another until all are members. */
export const gather = async (
  world: World,
  plan: Plan,
  wrap: Parameters<World['addDevice']>[1],
): Promise<SimDevice[]> => {
  const random = seededRandom(`gather ${plan.seed}`);
  const members: SimDevice[] = [];
  for (let at = 0; at < plan.people; at++) {
    const isAdversary = plan.hasAdversary && at === plan.people - 1;
    const name = isAdversary ? 'mallory' : (people[at] ?? `person${at}`);
    const device = await world.drive(world.addDevice(name, isAdversary ? wrap : undefined), 10_000);
    const inviter = members[randomInt(random, Math.max(1, members.length))];
    await world.drive(inviter ? letIn(world, inviter, device) : found(world, device), 5 * 60_000);
    world.say(`${name} is in`);
    members.push(device);
  }
  return members;
};

const found = async (world: World, device: SimDevice): Promise<void> => {
  const founded = await world.call(device, communityFound, { name: device.name, communityName: 'Lindenstrasse' });
  if (founded === 'lost' || !founded.ok) throw new Error('the neighbourhood could not be founded');
};

const letIn = async (world: World, inviter: SimDevice, device: SimDevice): Promise<void> => {
  const code = await knock(world, inviter, device);
  const door = await world.until(inviter, communityMembers, {}, ({ waiting }) =>
    waiting.some(({ request }) => request === device.id),
  );
  const admitted = await world.call(inviter, communityAdmit, { request: device.id, accept: true });
  if (admitted === 'lost' || !admitted.ok)
    throw new Error(`${device.name} was not let in of ${door.waiting.length} with ${code.length} letters`);
  await world.until(device, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
};

/** Makes an invite and knocks with it. */
export const knock = async (world: World, inviter: SimDevice, device: SimDevice): Promise<string> => {
  const invite = await world.call(inviter, communityInvite, { onPaper: false });
  if (invite === 'lost' || !invite.ok) throw new Error(`${inviter.name} could not invite`);
  const { code } = invite.value.output;
  const joined = await world.call(device, communityJoin, { invite: code, name: device.name });
  if (joined === 'lost' || !joined.ok) throw new Error(`${device.name} could not knock`);
  return code;
};

/** The period of life and trouble, and what was said in it. */
export const live = async (
  world: World,
  plan: Plan,
  members: readonly SimDevice[],
  upheavals: Upheavals,
): Promise<Said[]> => {
  const said: Said[] = [];
  const random = seededRandom(`live ${plan.seed}`);
  const names = members.map(({ name }) => name);
  const beganAt = world.clock.now();
  const look = createReceiptWatch();
  const watch = (): void => {
    upheavals.look();
    const steady = members.filter((member) => !upheavals.isShaken(member));
    world.problems.push(...look(members, steady), ...lostAtHome(said.filter(({ who }) => !upheavals.isShaken(who))));
  };
  const acts: Act[] = [...plan.acts];

  const script = async (): Promise<void> => {
    for (const act of acts) {
      await world.pause(Math.max(0, beganAt + act.atMs - world.clock.now()));
      world.say(describeAct(act, names));
      world.trace.note(describeAct(act, names));
      perform({ world, members, said, random, upheavals }, act);
    }
    await world.pause(Math.max(0, beganAt + plan.periodMs - world.clock.now()));
  };
  const looking = keepLooking(world, members, watch);
  await world.drive(script(), plan.periodMs + 60_000);
  await world.drive(comeToRest(world, members, said, upheavals), quietWithinMs + 120_000);
  looking.stop();
  watch();
  return said;
};

/** Whatever its author was told is said stays on the author's own disk, whatever happens to the device afterwards. */
const lostAtHome = (said: readonly Said[]): string[] => {
  const idsByDevice = new Map<SimDevice, ReadonlySet<string>>();
  const idsOf = (who: SimDevice): ReadonlySet<string> => {
    const ids = idsByDevice.get(who) ?? new Set([...who.disk.events.values()].map(({ id }) => id));
    idsByDevice.set(who, ids);
    return ids;
  };
  return said
    .filter(({ who, outcome, eventId }) => outcome === 'acknowledged' && !idsOf(who).has(eventId))
    .map(({ who, text }) => `${who.name}'s disk has lost what ${who.name} was told is said (${text.slice(0, 12)})`);
};

/** Every few seconds, and at once after a crash: what was claimed must be on the disks at that very moment. */
const keepLooking = (world: World, members: readonly SimDevice[], look: () => void): { stop(): void } => {
  let isOver = false;
  let cancel = (): void => {};
  let crashes = -1;
  const turn = (): void => {
    const now = members.reduce((total, member) => total + member.crashes(), 0);
    ticks += 1;
    if (now !== crashes || ticks % (watchEveryMs / 500) === 0) look();
    crashes = now;
    if (!isOver) cancel = world.clock.after(500, turn);
  };
  let ticks = 0;
  turn();
  return {
    stop: () => {
      isOver = true;
      cancel();
    },
  };
};

type Stage = {
  readonly world: World;
  readonly members: readonly SimDevice[];
  readonly said: Said[];
  readonly random: ReturnType<typeof seededRandom>;
  readonly upheavals: Upheavals;
};

const perform = ({ world, members, said, random, upheavals }: Stage, act: Act): void => {
  const { network } = world;
  const of = (who: number): SimDevice => {
    const member = members[who];
    if (!member) throw new Error('the plan names somebody who is not there');
    return member;
  };
  const nameOf = (who: number): string => of(who).name;
  switch (act.type) {
    case 'say': {
      const text = `${said.length} ${'a word '.repeat(Math.ceil(act.bytes / 7)).slice(0, act.bytes)}.`;
      const words: Said = {
        who: of(act.who),
        text,
        clientId: bytesToText(random.bytes(16)),
        outcome: 'lost',
        eventId: '',
        saidAt: world.clock.now(),
      };
      said.push(words);
      return void say(world, words);
    }
    case 'write':
      return void world.call(of(act.who), libraryIngest, {
        corpus: 'street-notes',
        visibility: 'community',
        fileName: `topic-${act.topic}.md`,
        bytes: textBytes(documents[act.topic % topics] ?? ''),
      });
    case 'ask':
      return void world.call(of(act.who), askAnswer, {
        messages: [{ role: 'person', text: questions[act.topic % topics] ?? '' }],
        mode: 'quotes',
      });
    case 'rename':
      return void world.call(of(act.who), nodeConfigure, { name: `${nameOf(act.who)} II` });
    case 'air':
      return network.setFaults(act.faults);
    case 'part':
      return network.partition(act.groups.map((group) => group.map(nameOf)));
    case 'deafen':
      return network.block(nameOf(act.from), nameOf(act.to));
    case 'cut':
      return network.cut(nameOf(act.from), nameOf(act.to));
    case 'join-up':
      return network.heal();
    case 'crash':
      return act.fault === 'kill' ? of(act.who).kill() : of(act.who).failAt({ commits: act.commits, fault: act.fault });
    case 'revive':
      return void revive(world, of(act.who));
    case 'quota':
      return of(act.who).setQuotaFull(act.isFull);
    case 'clock':
      return of(act.who).clock().jump(act.byMs);
    case 'promote':
    case 'remove':
    case 'copy':
    case 'put-back':
    case 'equivocate':
    case 'freeze':
      return upheavals.perform(act);
  }
};

const say = async (world: World, words: Said): Promise<void> => {
  const reply = await world.call(words.who, chatSend, { to: 'everyone', text: words.text, clientId: words.clientId });
  if (reply === 'lost') return;
  words.outcome = reply.ok ? 'acknowledged' : 'refused';
  words.eventId = reply.ok ? reply.value.output.eventId : '';
};

/** A device that is down starts again on its disk, as often as it takes. */
const revive = async (world: World, device: SimDevice): Promise<void> => {
  if (device.node() || device.isStarting()) return;
  world.say(`${device.name} starts again`);
  await device.start();
};

/** All troubles end; whatever was not answered is said once more with the same id; then the street must become quiet. */
const comeToRest = async (
  world: World,
  members: readonly SimDevice[],
  said: readonly Said[],
  upheavals: Upheavals,
): Promise<void> => {
  world.say('all troubles end');
  world.network.setFaults(noFaults);
  world.network.heal();
  for (const member of members) {
    member.setQuotaFull(false);
    member.failAt(null);
    member.clock().thaw();
    const skewMs = member.clock().skewMs();
    if (Math.abs(skewMs) > rightClockBeyondMs) member.clock().jump(-skewMs);
  }
  await world.pause(1_000);
  for (const member of members) await revive(world, member);
  await world.pause(1_000);
  for (const words of said) if (words.outcome === 'lost' && !upheavals.isShaken(words.who)) await say(world, words);
  // An agreement that is still being sought changes who is in.
  await upheavals.settled();
  const restingSince = world.clock.now();
  for (;;) {
    const reason = unrest(upheavals.staying(), upheavals.isShaken);
    if (reason === null) break;
    if (world.clock.now() - restingSince > quietWithinMs) {
      world.problems.push(`not quiet after ${quietWithinMs / 60_000} minutes: ${reason}`);
      break;
    }
    await world.pause(1_000);
  }
  world.say(`quiet after ${((world.clock.now() - restingSince) / 1000).toFixed(0)} s`);
  world.trace.note(`quiet after ${world.clock.now() - restingSince}`);
};

const documents = [
  '# Well in the yard\n\nThe old hand pump stands behind the bakery. The key hangs at the bakery door. Pump twenty strokes before you fill a bottle.\n',
  '# Generator\n\nThe generator is in the garage of number seven. It runs on petrol and feeds two fridges. Never run it indoors.\n',
  '# Medicine\n\nInsulin is kept cool in the clay pot at number nine. Ask Dana for the list of who needs it every day.\n',
];
const questions = ['Where is the key of the hand pump?', 'Where is the generator?', 'Where is insulin kept?'];
