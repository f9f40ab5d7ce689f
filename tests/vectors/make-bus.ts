import { existsSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { callGroups } from './bus-calls.ts';
import { frameGroups } from './bus-frames.ts';
import { gateGroups } from './bus-gates.ts';
import type { VectorGroup } from '../conformance/golden-files.ts';

/**
 * Golden vectors of the bus (docs/PROTOCOL.md, 11 to 14) as questions of the conformance stream: `node tests/vectors/make-bus.ts`
 * writes tests/vectors/bus.json anew, and a test rebuilds it byte for byte. What an answer must say is written by hand; only bytes
 * are made by the code.
 */
export const makeBus = async (): Promise<{ readonly note: string; readonly groups: readonly VectorGroup[] }> => ({
  note: 'Questions and answers of docs/CONFORMANCE.md. Devices are Ed25519 seeds of 32 equal bytes: anna 11, bora 21, chen 31, dilek 41, mallory 61. bora is a member, chen is trusted, dilek and mallory are not in.',
  groups: [...(await frameGroups()), ...(await gateGroups()), ...callGroups()],
});

/** One vector a line. */
export const busText = async (): Promise<string> => {
  const { note, groups } = await makeBus();
  const told = groups.map(({ group, vectors }) => {
    const lines = vectors.map((vector) => JSON.stringify(vector)).join(',\n');
    return `{"group": ${JSON.stringify(group)}, "vectors": [\n${lines}\n]}`;
  });
  return `{"note": ${JSON.stringify(note)},\n"groups": [\n${told.join(',\n')}\n]}\n`;
};

export const busUrl = new URL('bus.json', import.meta.url);

const isRunByHand =
  process.argv[1] !== undefined &&
  existsSync(process.argv[1]) &&
  import.meta.url === pathToFileURL(process.argv[1]).href;
if (isRunByHand) writeFileSync(busUrl, await busText());
