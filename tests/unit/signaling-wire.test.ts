import { describe, expect, it } from 'vitest';
import { isFailureCode, type Failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Result } from '../../src/lib/kernel/result.ts';
import {
  encodeRefused,
  encodeSignalRequest,
  parseSignalAnswer,
  parseSignalFrame,
  signalFailure,
  signalRefusals,
  type SignalFrame,
} from '../../src/lib/kernel/wire/signal.ts';

const reasonOf = (result: Result<unknown, { reason: string }>): string =>
  result.ok ? 'accepted' : result.error.reason;

describe('the frames a client sends', () => {
  it('reads the four verbs of y-webrtc', () => {
    expect(parseSignalFrame('{"type":"subscribe","topics":["a","b"]}')).toEqual({
      ok: true,
      value: { type: 'subscribe', topics: ['a', 'b'] },
    });
    expect(parseSignalFrame('{"type":"unsubscribe","topics":["a"]}')).toEqual({
      ok: true,
      value: { type: 'unsubscribe', topics: ['a'] },
    });
    expect(parseSignalFrame('{"type":"ping"}')).toEqual({ ok: true, value: { type: 'ping' } });
    const publish = { type: 'publish', topic: 'a', data: { type: 'announce', from: 'anna' }, more: [1] };
    expect(parseSignalFrame(JSON.stringify(publish))).toEqual({
      ok: true,
      value: { type: 'publish', topic: 'a', whole: publish },
    });
  });

  it('accepts the empty subscribe of a stock client whose room is still deriving its key', () => {
    expect(parseSignalFrame('{"type":"subscribe","topics":[]}').ok).toBe(true);
  });

  it.each([
    ['', 'not-json'],
    ['nonsense', 'not-json'],
    ['{"type":"ping"', 'not-json'],
    ['null', 'not-an-object'],
    ['7', 'not-an-object'],
    ['[]', 'not-an-object'],
    ['{}', 'type-not-text'],
    ['{"type":1}', 'type-not-text'],
    ['{"__proto__":{"type":"ping"}}', 'type-not-text'],
    ['{"type":"meet"}', 'unknown-verb'],
    ['{"type":"__proto__"}', 'unknown-verb'],
    ['{"type":"subscribe"}', 'topics-not-a-list'],
    ['{"type":"subscribe","topics":"a"}', 'topics-not-a-list'],
    ['{"type":"subscribe","topics":{"length":1}}', 'topics-not-a-list'],
    ['{"type":"subscribe","topics":[1]}', 'topic-not-text'],
    ['{"type":"subscribe","topics":[""]}', 'topic-empty'],
    ['{"type":"publish"}', 'topic-not-text'],
    ['{"type":"publish","topic":""}', 'topic-empty'],
    [JSON.stringify({ type: 'publish', topic: 'x'.repeat(limits.signalTopicChars + 1) }), 'topic-too-long'],
    [
      JSON.stringify({ type: 'subscribe', topics: Array.from({ length: limits.signalTopicsPerFrameMax + 1 }, String) }),
      'topics-per-frame',
    ],
    [`{"type":"publish","topic":"a","data":"${'x'.repeat(limits.signalFrameBytesMax)}"}`, 'frame-too-large'],
    [`{"type":"publish","topic":"a","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'too-deep'],
  ])('refuses %.60s with %s', (text, reason) => {
    expect(reasonOf(parseSignalFrame(text))).toBe(reason);
  });

  it('takes brackets inside of text for text, also behind escaped quotes', () => {
    const data = `"${'['.repeat(100)}\\"${'{'.repeat(100)}\\\\`;
    expect(parseSignalFrame(JSON.stringify({ type: 'publish', topic: 'a', data })).ok).toBe(true);
  });

  it('takes a topic of exactly the greatest length and depth', () => {
    const depth = limits.signalFrameDepthMax - 1;
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const topic = 'x'.repeat(limits.signalTopicChars);
    expect(parseSignalFrame(`{"type":"publish","topic":"${topic}","data":${nested}}`).ok).toBe(true);
    expect(reasonOf(parseSignalFrame(`{"type":"publish","topic":"a","data":[${nested}]}`))).toBe('too-deep');
  });
});

describe('the frames a client hears', () => {
  it('reads what the server sends for a sealed publish, a ping and a refusal', () => {
    expect(parseSignalAnswer('{"type":"publish","topic":"t","data":"AAEC_-","clients":2}')).toEqual({
      ok: true,
      value: { type: 'publish', topic: 't', data: 'AAEC_-', clients: 2 },
    });
    expect(parseSignalAnswer('{"type":"pong"}')).toEqual({ ok: true, value: { type: 'pong' } });
    const refused = signalFailure('message-rate', 20);
    expect(parseSignalAnswer(encodeRefused(refused))).toEqual({
      ok: true,
      value: { type: 'refused', code: 'rate_limited', reason: 'message-rate', retryAfterMs: 20 },
    });
  });

  it.each([
    ['{"type":"publish","topic":"t","data":{"type":"announce"},"clients":2}', 'data-not-sealed-text'],
    ['{"type":"publish","topic":"t","data":"a b","clients":2}', 'data-not-sealed-text'],
    ['{"type":"publish","topic":"t","data":"","clients":2}', 'data-not-sealed-text'],
    ['{"type":"publish","topic":"t","data":"AA"}', 'clients-not-a-count'],
    ['{"type":"publish","topic":"t","data":"AA","clients":-1}', 'clients-not-a-count'],
    ['{"type":"refused","code":"made_up","reason":"x"}', 'refusal-malformed'],
    ['{"type":"refused","code":"bad_request","reason":7}', 'refusal-malformed'],
    ['{"type":"refused","code":"bad_request","reason":"x","retryAfterMs":"1"}', 'refusal-malformed'],
    ['{"type":"subscribe","topics":[]}', 'unknown-verb'],
    ['<html>', 'not-json'],
  ])('refuses %.60s with %s', (text, reason) => {
    expect(reasonOf(parseSignalAnswer(text))).toBe(reason);
  });

  it('sends requests that the server reads back as the same verb', () => {
    const requests = [
      { type: 'subscribe', topics: ['a'] },
      { type: 'publish', topic: 'a', data: 'AAEC' },
      { type: 'ping' },
    ] as const;
    for (const request of requests) {
      const read = parseSignalFrame(encodeSignalRequest(request));
      expect(read.ok && read.value.type).toBe(request.type);
    }
  });
});

describe('refusals', () => {
  it('use only codes of the kernel, so that a refusal is a Failure', () => {
    for (const code of Object.values(signalRefusals)) expect(isFailureCode(code)).toBe(true);
    // Does not compile when the shapes drift apart.
    const asFailure: Result<SignalFrame, Failure> = parseSignalFrame('');
    expect(asFailure.ok).toBe(false);
  });
});
