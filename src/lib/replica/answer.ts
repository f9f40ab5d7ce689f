import { textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Entry } from '../log/lanes.ts';
import { encodeRuns, type Run } from './canonical.ts';
import { encodeFrame } from './frames.ts';

/** A stretch of one author's lane to send. */
export type Span = { readonly author: string; readonly client: number; readonly from: number; readonly to: number };

/**
 * The frames that hand over spans of one lane: canonical updates of bounded size, each followed by the payloads of its
 * events, so that the receiver never holds many events whose payloads are far behind. Made one by one as the link drains.
 * A payload the receiver has been given already (`isGiven`) is left out.
 */
export const answerFrames = function* (
  log: Pick<EventLog, 'slice'>,
  lane: number,
  spans: readonly Span[],
  isGiven: (entry: Entry) => boolean = () => false,
): Generator<Bytes> {
  let runs: Run[] = [];
  let entries: Entry[] = [];
  let bytes = 0;
  const flush = function* (): Generator<Bytes> {
    if (entries.length === 0) return;
    yield encodeFrame({ type: 'update', lane, update: encodeRuns(runs), isLast: false });
    yield* payloadFrames(entries.filter((entry) => !isGiven(entry)));
    runs = [];
    entries = [];
    bytes = 0;
  };
  for (const { author, client, from, to } of spans) {
    for (let seq = from; seq < to;) {
      const part = log.slice(author, lane, seq, Math.min(to - seq, limits.syncFrameEventsMax - entries.length));
      if (part.length === 0) break;
      runs.push({ author, client, start: seq, envelopes: part.map(({ event }) => event.envelope) });
      entries.push(...part);
      bytes += part.reduce((total, { event }) => total + event.envelope.length + 24, 0);
      seq += part.length;
      if (entries.length >= limits.syncFrameEventsMax || bytes >= limits.syncUpdateBytesMax / 2) yield* flush();
    }
  }
  yield* flush();
};

/** Payload frames of at most the carrier's size; an event whose payload is gone is left out and will be asked elsewhere. */
export const payloadFrames = function* (entries: readonly Entry[]): Generator<Bytes> {
  let batch: { id: Bytes; payload: Bytes }[] = [];
  let bytes = 0;
  for (const { event, payload } of entries) {
    const id = textToBytes(event.id);
    if (!payload || !id) continue;
    if (batch.length >= limits.wantIdsMax || (batch.length > 0 && bytes + payload.length > limits.syncUpdateBytesMax)) {
      yield encodeFrame({ type: 'payload', payloads: batch });
      batch = [];
      bytes = 0;
    }
    batch.push({ id, payload });
    bytes += payload.length + 48;
  }
  if (batch.length > 0) yield encodeFrame({ type: 'payload', payloads: batch });
};
