import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { encodeMeshRequest, type MeshRequest } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { joinMesh, textBytes } from '../unit/mesh-fixture.ts';
import type { Dice } from './signaling-frames.ts';

/** A binary frame as an attacker would send it on `/mesh`: noise, odd CBOR, damaged requests, and now and then a good one. */
export const randomMeshFrame = (dice: Dice): Buffer => {
  const kind = dice.below(100);
  if (kind < 20) return dice.bytes(dice.below(200));
  if (kind < 45) return Buffer.from(encodeCbor(randomCbor(dice, 0)));
  if (kind < 80) return damage(dice, Buffer.from(encodeMeshRequest(randomRequest(dice))));
  if (kind < 95) return Buffer.from(encodeMeshRequest(randomRequest(dice)));
  if (kind < 97) return Buffer.alloc(20_000, 0x81);
  return Buffer.from(encodeCbor([dice.below(10), ...Array.from({ length: dice.below(6) }, () => randomCbor(dice, 1))]));
};

const randomRequest = (dice: Dice): MeshRequest => {
  const bytes = (length: number) => Uint8Array.from(dice.bytes(length));
  const tag = new Uint8Array(32).fill(dice.below(3));
  const [to, box, signature] = [bytes(16), bytes(32), bytes(64)];
  const request = 1 + dice.below(1_000);
  const all: readonly MeshRequest[] = [
    { type: 'join', key: box, signature },
    { type: 'meet', tag },
    { type: 'part', tag },
    { type: 'send', to, tag, bytes: bytes(dice.below(300)) },
    { type: 'open', box, signature },
    { type: 'put', request, box, keepSeconds: dice.below(100), item: bytes(dice.below(300)) },
    { type: 'take', request, box, cursor: dice.bytes(dice.below(20)).toString('base64url'), most: 1 + dice.below(64) },
  ];
  return all[dice.below(all.length)] ?? { type: 'meet', tag };
};

const damage = (dice: Dice, frame: Buffer): Buffer => {
  const at = dice.below(frame.length);
  const change = dice.below(3);
  if (change === 0) return frame.subarray(0, at);
  if (change === 1) return Buffer.concat([frame, dice.bytes(1 + dice.below(8))]);
  const changed = Buffer.from(frame);
  changed[at] = dice.below(256);
  return changed;
};

const randomCbor = (dice: Dice, depth: number): Cbor => {
  const kind = dice.below(depth > 3 ? 5 : 7);
  if (kind === 0) return dice.below(1_000) - 500;
  if (kind === 1) return Uint8Array.from(dice.bytes([0, 16, 32, 64][dice.below(4)] ?? 0));
  if (kind === 2) return dice.below(2) === 0;
  if (kind === 3) return null;
  if (kind === 4) return 'x'.repeat(dice.below(80));
  const items = Array.from({ length: dice.below(6) }, () => randomCbor(dice, depth + 1));
  return kind === 5 ? items : Object.fromEntries(items.map((item, index) => [`k${index}`, item]));
};

/** Anna and bora at one tag, both of whom are served as long as this resolves. */
export const openMeshStreet = async (meshUrl: string, localAddress = '127.0.0.9') => {
  const tag = new Uint8Array(32).fill(1);
  const anna = await joinMesh(meshUrl, { tags: [tag], localAddress });
  const bora = await joinMesh(meshUrl, { tags: [tag], localAddress });
  let said = 0;
  return {
    anna,
    bora,
    expectServed: async (): Promise<void> => {
      said += 1;
      const words = `honest ${said}`;
      anna.send({ type: 'send', to: bora.id, tag, bytes: textBytes(words) });
      for (;;) {
        const heard = await bora.next();
        if (heard.type === 'from' && Buffer.from(heard.bytes).toString() === words) return;
      }
    },
  };
};

export const fullBytes = new Uint8Array(limits.meshSendBytesMax).fill(7);

/** One line of `/metrics`, 0 when it is not there. */
export const metricOf = async (url: string, line: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
};
