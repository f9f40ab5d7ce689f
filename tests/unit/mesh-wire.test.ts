import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { isFailureCode } from '../../src/lib/kernel/errors.ts';
import { bytesToHex } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import {
  connectionIdInput,
  encodeMeshAnswer,
  encodeMeshRequest,
  joinMessage,
  meshRefusals,
  openMessage,
  parseMeshAnswer,
  parseMeshRequest,
  type MeshAnswer,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);
const [key, tag, box, id] = [bytes(32, 1), bytes(32, 2), bytes(32, 3), bytes(16, 4)];

const requests: readonly MeshRequest[] = [
  { type: 'join', key, signature: bytes(64, 5) },
  { type: 'meet', tag },
  { type: 'part', tag },
  { type: 'send', to: id, tag, bytes: bytes(9, 6) },
  { type: 'open', box, signature: bytes(64, 7) },
  { type: 'put', request: 1, box, keepSeconds: 60, item: bytes(3, 8) },
  { type: 'take', request: 2, box, cursor: 'a.1', most: 64 },
];

const answers: readonly MeshAnswer[] = [
  { type: 'challenge', nonce: bytes(32, 9) },
  {
    type: 'joined',
    id,
    clockMs: 1_795_000_000_000,
    iceServers: [{ urls: ['turn:turn.example'], username: '1:a', credential: 'b' }],
    features: { mailbox: true, cluster: 'lost' },
  },
  { type: 'met', tag, near: [id, bytes(16, 5)], away: 3 },
  { type: 'from', from: id, tag, bytes: bytes(9, 6) },
  { type: 'gone', to: id, tag },
  { type: 'busy', to: id, tag },
  { type: 'kept', request: 1 },
  { type: 'mail', request: 2, cursor: 'a.2', items: [bytes(3, 8)], hasMore: false },
  { type: 'refused', request: 0, code: 'rate_limited', reason: 'work-rate', retryAfterMs: 50 },
  { type: 'moving' },
];

const reasonOf = (frame: Uint8Array): string => {
  const parsed = parseMeshRequest(frame);
  return parsed.ok ? 'ok' : parsed.error.reason;
};
const answerReasonOf = (value: Cbor): string => {
  const parsed = parseMeshAnswer(encodeCbor(value));
  return parsed.ok ? 'ok' : parsed.error.reason;
};

describe('frames of /mesh', () => {
  it.each(requests)('a request comes back as it was: $type', (request) => {
    expect(parseMeshRequest(encodeMeshRequest(request))).toEqual({ ok: true, value: request });
  });

  it.each(answers)('an answer comes back as it was: $type', (answer) => {
    expect(parseMeshAnswer(encodeMeshAnswer(answer))).toEqual({ ok: true, value: answer });
  });

  it('have the bytes that are written down', () => {
    expect(bytesToHex(encodeMeshRequest({ type: 'meet', tag }))).toBe(`82025820${'02'.repeat(32)}`);
    expect(bytesToHex(encodeMeshAnswer({ type: 'moving' }))).toBe('811829');
    expect(bytesToHex(encodeMeshAnswer({ type: 'gone', to: id, tag }))).toBe(
      `83182450${'04'.repeat(16)}5820${'02'.repeat(32)}`,
    );
  });

  it('no request is read as an answer, and no answer as a request', () => {
    for (const request of requests) expect(parseMeshAnswer(encodeMeshRequest(request)).ok).toBe(false);
    for (const answer of answers) expect(parseMeshRequest(encodeMeshAnswer(answer)).ok).toBe(false);
  });

  it('each thing wrong with a request has its own word', () => {
    expect(reasonOf(bytes(limits.meshRequestBytesMax + 1, 0))).toBe('frame-too-large');
    expect(reasonOf(Uint8Array.of())).toBe('not-cbor');
    expect(reasonOf(Uint8Array.of(0xff))).toBe('not-cbor');
    expect(reasonOf(encodeCbor({ type: 'meet' }))).toBe('frame-malformed');
    expect(reasonOf(encodeCbor([]))).toBe('unknown-frame');
    expect(reasonOf(encodeCbor(['meet', tag]))).toBe('unknown-frame');
    expect(reasonOf(encodeCbor([99, tag]))).toBe('unknown-frame');
    expect(reasonOf(encodeCbor([2, bytes(31, 2)]))).toBe('frame-malformed');
    expect(reasonOf(encodeCbor([2, tag, tag]))).toBe('frame-malformed');
    expect(reasonOf(encodeCbor([4, id, tag, 'text']))).toBe('frame-malformed');
    expect(reasonOf(encodeCbor([6, 0, box, 60, tag]))).toBe('frame-malformed');
    expect(reasonOf(encodeCbor([7, 1, box, 'c'.repeat(limits.mailCursorCharsMax + 1), 1]))).toBe('frame-malformed');
    expect(reasonOf(encodeCbor([7, 1, box, '', limits.mailItemsPerTakeMax + 1]))).toBe('frame-malformed');
    expect(reasonOf(encodeCbor([7, 1, box, '', 0]))).toBe('frame-malformed');
    const tooMuch = encodeMeshRequest({ type: 'send', to: id, tag, bytes: bytes(limits.meshSendBytesMax + 1, 0) });
    expect(reasonOf(tooMuch)).toBe('bytes-too-large');
  });

  it('a client leaves alone what a newer server says, and refuses what is out of bounds', () => {
    expect(answerReasonOf([99])).toBe('unknown-frame');
    expect(answerReasonOf([32, 2, bytes(32, 9)])).toBe('version-unknown');
    expect(answerReasonOf([34, tag, Array.from({ length: limits.meetSampleMax + 1 }, () => id), 0])).toBe(
      'frame-malformed',
    );
    expect(answerReasonOf([33, id, 1, [], { mailbox: true, cluster: 'alone', later: 1 }])).toBe('ok');
    expect(answerReasonOf([33, id, 1, [], { mailbox: true, cluster: 'many' }])).toBe('frame-malformed');
    expect(answerReasonOf([33, id, 1, [[['x'.repeat(limits.meshIceTextCharsMax + 1)], '', '']], {}])).toBe(
      'frame-malformed',
    );
    expect(answerReasonOf([40, 0, 'rate_limited', 'a reason of tomorrow', 0])).toBe('ok');
    expect(answerReasonOf([40, 0, 'no-such-code', 'x', 0])).toBe('frame-malformed');
    expect(answerReasonOf([36, id, tag, 'a field of tomorrow'])).toBe('ok');
  });

  it('the largest page of mail fits into an answer', () => {
    const items = Array.from({ length: limits.mailItemsPerTakeMax }, () =>
      bytes(limits.mailPageBytesMax / limits.mailItemsPerTakeMax, 1),
    );
    const cursor = 'c'.repeat(limits.mailCursorCharsMax);
    const frame = encodeMeshAnswer({ type: 'mail', request: Number.MAX_SAFE_INTEGER, cursor, items, hasMore: true });
    expect(parseMeshAnswer(frame).ok).toBe(true);
  });
});

describe('what is signed', () => {
  it('differs by purpose, nonce, host and box', () => {
    const nonce = bytes(32, 9);
    const messages = [
      joinMessage(nonce, 'a.example'),
      joinMessage(nonce, 'b.example'),
      joinMessage(bytes(32, 8), 'a.example'),
      openMessage(nonce, 'a.example', box),
      openMessage(nonce, 'a.example', key),
      connectionIdInput(key),
    ].map(bytesToHex);
    expect(new Set(messages).size).toBe(messages.length);
    expect(messages[0]).toBe(`484e2d4d45534831${'09'.repeat(32)}612e6578616d706c65`);
    expect(messages[3]).toBe(`484e2d424f5831${'09'.repeat(32)}612e6578616d706c65${'03'.repeat(32)}`);
  });
});

describe('refusals', () => {
  it('have codes of the closed list', () => {
    for (const code of Object.values(meshRefusals)) expect(isFailureCode(code)).toBe(true);
  });
});
