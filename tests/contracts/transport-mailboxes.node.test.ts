import { beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../src/lib/kernel/errors.ts';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { BoxKey, Mailbox, Mailboxes } from '../../src/lib/kernel/ports/mailbox.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { openMessage } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { createMeshMailboxes } from '../../src/lib/transports/mesh-mailboxes.ts';
import { createMeshServers, type MeshServers } from '../../src/lib/transports/mesh-servers.ts';
import { createHubKey, createMeshHub, type BoxRequest, type MeshHub } from './transport-mesh-hub.ts';
import { createSeededRandom, createVirtualClock, passVirtualTime, type VirtualClock } from './transport-world.ts';

const item = utf8('sealed');
const dayMs = 24 * 3600_000;
const relayLost = err(failure('unavailable', 'relay-lost'));

describe('the boxes of the servers bora has joined', () => {
  let clock: VirtualClock;
  let hub: MeshHub;
  let servers: MeshServers;
  let mailboxes: Mailboxes;
  let asked: BoxRequest[];
  let signed: Uint8Array[];
  let pass: (ms: number) => Promise<void>;
  let box: BoxKey;

  beforeEach(() => {
    clock = createVirtualClock();
    hub = createMeshHub(clock, 7);
    asked = [];
    signed = [];
    hub.setMail(true, (request) => {
      asked.push(request);
      return null;
    });
    servers = createMeshServers({
      clock,
      random: createSeededRandom(5),
      Socket: hub.Socket,
      pseudonym: createHubKey(new Uint8Array(32).fill(5)),
      refused: () => {},
    });
    mailboxes = createMeshMailboxes(clock, servers);
    ({ pass } = passVirtualTime(clock));
    box = {
      id: new Uint8Array(32).fill(9),
      sign: async (message) => {
        signed.push(message);
        return new Uint8Array(64).fill(1);
      },
    };
  });
  const join = async (): Promise<Mailbox> => {
    servers.setUrls(['ws://hub/mesh']);
    servers.hold('place', () => ({ from: () => {}, met: () => {}, undelivered: () => {} }));
    await pass(100);
    const [mailbox] = mailboxes.all();
    if (mailbox === undefined) throw new Error('no box could be reached');
    return mailbox;
  };
  const askedOf = <T extends BoxRequest['type']>(type: T): Extract<BoxRequest, { type: T }>[] =>
    asked.filter((request): request is Extract<BoxRequest, { type: T }> => request.type === type);

  it('are told of when a server is joined, each time anew, and are gone with it', async () => {
    const told: string[] = [];
    const stop = mailboxes.onOpen((mailbox) => void told.push(mailbox.url));
    expect(mailboxes.all()).toEqual([]);
    await join();
    hub.setDown(true);
    await pass(100);
    expect([told, mailboxes.all()]).toEqual([['ws://hub/mesh'], []]);
    hub.setDown(false);
    await pass(limits.signalReconnectMaxMs);
    expect([told.length, mailboxes.all().length]).toEqual([2, 1]);
    stop();
    servers.setUrls([]);
    expect(mailboxes.all()).toEqual([]);
  });

  it('are none where the server says that it keeps no mail', async () => {
    const told: string[] = [];
    mailboxes.onOpen((mailbox) => void told.push(mailbox.url));
    hub.setMail(false, () => null);
    await expect(join()).rejects.toThrow('no box');
    expect([told, servers.open().length]).toEqual([[], 1]);
  });

  it('are opened once a connection, by a proof made for this server and this connection', async () => {
    const mailbox = await join();
    void mailbox.put(box, item, dayMs);
    void mailbox.take(box, '');
    await pass(100);
    expect(asked.map(({ type }) => type)).toEqual(['open', 'put', 'take']);
    expect(signed).toEqual([openMessage(new Uint8Array(32).fill(7), 'hub', box.id)]);
    hub.setDown(true);
    await pass(100);
    hub.setDown(false);
    await pass(limits.signalReconnectMaxMs);
    void mailbox.take(box, '');
    await pass(100);
    expect([askedOf('open').length, signed.length]).toEqual([2, 2]);
  });

  it('keep an item when the server has said so for this very request, and not before', async () => {
    const mailbox = await join();
    const outcomes: string[] = [];
    void mailbox.put(box, item, dayMs).then(() => outcomes.push('first'));
    const second = mailbox.put(box, item, dayMs).then((result) => {
      outcomes.push('second');
      return result;
    });
    await pass(100);
    const [first, next] = askedOf('put');
    expect([first?.keepSeconds, outcomes]).toEqual([dayMs / 1000, []]);
    hub.tell({ type: 'kept', request: 77 });
    hub.tell({ type: 'kept', request: next?.request ?? 0 });
    await pass(100);
    expect([await second, outcomes]).toEqual([ok(null), ['second']]);
    hub.tell({ type: 'kept', request: first?.request ?? 0 });
    await pass(100);
    expect(outcomes).toEqual(['second', 'first']);
  });

  it('are asked to keep nothing for longer than the bound', async () => {
    void (await join()).put(box, item, 400 * dayMs);
    await pass(100);
    expect(askedOf('put').map(({ keepSeconds }) => keepSeconds)).toEqual([limits.mailKeepMs / 1000]);
  });

  it('give a page from the cursor on', async () => {
    const taking = (await join()).take(box, 'a.3');
    await pass(100);
    const [request] = askedOf('take');
    expect(request).toMatchObject({ cursor: 'a.3', most: limits.mailItemsPerTakeMax });
    hub.tell({ type: 'mail', request: request?.request ?? 0, cursor: 'a.4', items: [item], hasMore: true });
    await pass(100);
    expect(await taking).toMatchObject({ ok: true, value: { cursor: 'a.4', items: [item], hasMore: true } });
  });

  it('hand a refusal on with its code, and take an answer of the other kind for none', async () => {
    const mailbox = await join();
    const putting = mailbox.put(box, item, dayMs);
    const odd = mailbox.put(box, item, dayMs);
    const taking = mailbox.take(box, '');
    await pass(100);
    const [first, second] = askedOf('put').map(({ request }) => request);
    const third = askedOf('take')[0]?.request ?? 0;
    hub.tell({ type: 'refused', request: first ?? 0, code: 'quota_full', reason: 'disk-full', retryAfterMs: 60_000 });
    hub.tell({ type: 'mail', request: second ?? 0, cursor: '', items: [], hasMore: false });
    hub.tell({ type: 'kept', request: third });
    await pass(100);
    expect(await putting).toEqual(err(failure('quota_full', 'disk-full', 60_000)));
    expect(await odd).toEqual(err(failure('internal', 'relay-answer')));
    expect(await taking).toEqual(err(failure('internal', 'relay-answer')));
  });

  it('lose what was asked with the connection, and after ten seconds without an answer', async () => {
    const mailbox = await join();
    const cut = mailbox.put(box, item, dayMs);
    await pass(100);
    hub.setDown(true);
    await pass(100);
    expect([await cut, await mailbox.take(box, '')]).toEqual([relayLost, relayLost]);
    hub.setDown(false);
    await pass(limits.signalReconnectMaxMs);
    let outcome: unknown = null;
    void mailbox.put(box, item, dayMs).then((result) => (outcome = result));
    await pass(limits.mailAnswerMs - 100);
    expect(outcome).toBeNull();
    await pass(200);
    expect(outcome).toEqual(relayLost);
  });

  it('are not asked for more than can wait at once', async () => {
    const mailbox = await join();
    for (let n = 0; n < limits.mailRequestsMax; n += 1) void mailbox.put(box, item, dayMs);
    await pass(100);
    expect(await mailbox.put(box, item, dayMs)).toEqual(err(failure('rate_limited', 'relay-busy', limits.relayBusyMs)));
    expect(askedOf('put').length).toBe(limits.mailRequestsMax);
  });
});
