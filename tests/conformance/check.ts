import { fileURLToPath } from 'node:url';
import { isCborList, isCborMap, type Cbor } from '../../src/lib/kernel/codec.ts';
import { startImplementation, type Heard, type Implementation, type ReplyMap } from './drive.ts';
import { readGolden } from './golden.ts';
import type { Vector, VectorGroup } from './golden-files.ts';
import { checkEnd, checkHostile } from './hostile.ts';
import { fromNotation, mismatch } from './notation.ts';

const patienceMs = 20_000;
const hostileGroup = 'hostile streams';
/** How many failures of one group are explained; all are named. */
const explainedMost = 5;

type Line = { readonly group: string; passed: number; failed: number; absent: number };
type Failed = { readonly group: string; readonly name: string; readonly why: string };

/**
 * Asks an implementation (ours when no command is named) every vector, prints a table, and ends with 0 when all of them fit.
 * `--only a,b` in front of the command: the vectors of these groups, and no hostile streams unless they are named.
 */
export const checkCommand = async (args: readonly string[]): Promise<number> => {
  const only = args[0] === '--only' ? (args[1] ?? '').split(',') : null;
  const command = only ? args.slice(2) : args;
  const isAsked = (group: string): boolean => only?.includes(group) ?? true;
  const groups = readGolden().filter(({ group }) => isAsked(group));
  if (groups.length === 0 && !isAsked(hostileGroup)) {
    console.log(`No group has such a name: ${only?.join(', ')}.`);
    return 1;
  }
  const own = [process.execPath, fileURLToPath(new URL('main.ts', import.meta.url))];
  const start = () => startImplementation(command.length > 0 ? command : own, patienceMs);
  const implementation = start();
  const hello = await implementation.ask({ op: 'hello' });
  const offered = opsOf(hello);
  if (!offered) {
    console.log(`hello was not answered: ${'silence' in hello ? hello.silence : JSON.stringify(hello.reply)}`);
    await implementation.finish();
    return 1;
  }
  const lines: Line[] = [];
  const failed: Failed[] = [];
  const note = (line: Line, name: string, why: string | null): void => {
    line[why === null ? 'passed' : 'failed'] += 1;
    if (why !== null) failed.push({ group: line.group, name, why });
  };
  for (const group of groups) lines.push(await checkGroup(implementation, group, offered, note));
  if (isAsked(hostileGroup)) {
    const line: Line = { group: hostileGroup, passed: 0, failed: 0, absent: 0 };
    const found = [...(await checkHostile(implementation)), ...(await checkEnd(start))];
    for (const [name, why] of found) note(line, name, why);
    lines.push(line);
  }
  await implementation.finish();
  print(lines, failed);
  return failed.length === 0 && lines.every(({ absent }) => absent === 0) ? 0 : 1;
};

type Note = (line: Line, name: string, why: string | null) => void;
const checkGroup = async (
  implementation: Implementation,
  { group, vectors }: VectorGroup,
  offered: ReadonlySet<string>,
  note: Note,
): Promise<Line> => {
  const asked = vectors.filter(({ request }) => offered.has(keyOf(request.op, request.type)));
  const line: Line = { group, passed: 0, failed: 0, absent: vectors.length - asked.length };
  const replies = await implementation.askAll(asked.map(({ request }) => fromNotation(request) as ReplyMap));
  for (const [at, vector] of asked.entries()) note(line, vector.name, judgeReply(vector, replies[at]));
  return line;
};

/** null when the answer says what it must. */
const judgeReply = ({ expect }: Vector, heard: Heard | undefined): string | null => {
  if (!heard || 'silence' in heard) return heard?.silence ?? 'no reply';
  return mismatch(expect, heard.reply);
};

const keyOf = (op: string, type = ''): string => `${op} ${type}`;

/** What it says it can do; null when it does not speak this stream. */
const opsOf = (hello: Heard): ReadonlySet<string> | null => {
  const told: Cbor | undefined = 'silence' in hello ? undefined : hello.reply['ok'];
  if (!isCborMap(told) || told['stream'] !== 1 || !isCborMap(told['ops'])) return null;
  return new Set(
    Object.entries(told['ops']).flatMap(([op, types]) =>
      isCborList(types) ? types.map((type) => keyOf(op, String(type))) : [],
    ),
  );
};

const print = (lines: readonly Line[], failed: readonly Failed[]): void => {
  const width = Math.max(...lines.map(({ group }) => group.length));
  console.log(`${'vectors'.padEnd(width)}  passed  failed  not offered`);
  for (const { group, passed, failed: wrong, absent } of lines)
    console.log(`${group.padEnd(width)}  ${pad(passed, 6)}  ${pad(wrong, 6)}  ${pad(absent, 11)}`);
  const explained = new Map<string, number>();
  for (const { group, name, why } of failed) {
    const before = explained.get(group) ?? 0;
    explained.set(group, before + 1);
    console.log(`FAILED ${group}: ${name}${before < explainedMost ? `\n  ${why}` : ''}`);
  }
};

const pad = (count: number, width: number): string => String(count).padStart(width);
