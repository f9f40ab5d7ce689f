import type { CharId } from '$lib/state/plan-text.ts';

/** A line of a plan as it is read. `id` is its first character: what a tick is put on; null while it is not kept yet. */
export type PlanLine = {
  readonly kind: 'heading' | 'task' | 'note' | 'blank';
  readonly text: string;
  readonly id: CharId | null;
};

/** The plain text of a plan, line by line: `#` makes a heading, `-` a task. */
export const planLines = (text: string, idAt: (offset: number) => CharId | null): PlanLine[] => {
  let offset = 0;
  return text.split('\n').map((line) => {
    const id = line === '' ? null : idAt(offset);
    offset += line.length + 1;
    const heading = /^#+\s*(\S.*)$/.exec(line);
    if (heading) return { kind: 'heading', text: heading[1] ?? '', id };
    const task = /^-\s+(\S.*)$/.exec(line);
    if (task) return { kind: 'task', text: task[1] ?? '', id };
    return { kind: line.trim() === '' ? 'blank' : 'note', text: line, id };
  });
};

/** Keys of lines by their first character, as ticks name them. */
export const lineKey = ({ client, clock }: CharId): string => `${client}:${clock}`;

/** The plan for paper and other apps: ticks as [x]. */
export const planAsText = (title: string, lines: readonly PlanLine[], isDone: (line: PlanLine) => boolean): string =>
  [
    title,
    '',
    ...lines.map((line) => {
      if (line.kind === 'heading') return `# ${line.text}`;
      return line.kind === 'task' ? `[${isDone(line) ? 'x' : ' '}] ${line.text}` : line.text;
    }),
  ].join('\n');
