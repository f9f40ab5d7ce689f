import { textToBytes } from '../../src/lib/kernel/ids.ts';
import type { Bytes, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import type { Channel } from '../../src/lib/kernel/ports/transport.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { signEvent } from '../../src/lib/log/event.ts';
import { encodePayload, kinds } from '../../src/lib/log/kinds.ts';
import { encodeRuns } from '../../src/lib/replica/canonical.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { createSimCrypto } from './sim-crypto.ts';

/** A message as it goes over a carrier. */
export type Heard = { readonly channel: Channel; readonly message: Uint8Array };

/** One event at a place, with its payload, as sync tells it. */
export const tellStory = async (
  community: Bytes,
  signing: SigningKey,
  random: Random,
  place: { readonly lane: number; readonly seq: number; readonly hlc: number },
): Promise<Heard[]> => {
  const crypto = createSimCrypto(random, null);
  const payload = encodePayload(random, 'chat.message', {
    to: 'everyone',
    text: 'two stories',
    clientId: random.bytes(16),
  });
  const event = await signEvent(crypto, signing, {
    community,
    author: signing.publicKey,
    ...place,
    kind: kinds['chat.message'].number,
    expires: 0,
    payloadHash: await crypto.sha256(payload),
    payloadSize: payload.length,
  });
  const { author } = event;
  const run = { author, client: clientOf(author, place.lane), start: place.seq, envelopes: [event.envelope] };
  const id = textToBytes(event.id);
  return [
    wholeFrame('sync', encodeFrame({ type: 'update', lane: place.lane, update: encodeRuns([run]), isLast: false })),
    ...(id ? [wholeFrame('sync', encodeFrame({ type: 'payload', payloads: [{ id, payload }] }))] : []),
  ];
};

/** A frame that fits into one message of a link. */
export const wholeFrame = (channel: Channel, frame: Uint8Array): Heard => {
  const message = new Uint8Array(frame.length + 1);
  message.set(frame, 1);
  return { channel, message };
};
