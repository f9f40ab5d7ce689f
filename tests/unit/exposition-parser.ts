/**
 * A strict reader of the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats), written for these
 * tests alone: it throws at whatever the format does not allow, and at what it allows and careful writers leave.
 */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};
export type Family = {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
};

export const parseExposition = (text: string): Family[] => {
  if (text.includes('\r')) throw new Error('a carriage return');
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line does not end');
  const families: Family[] = [];
  const seen = new Set<string>();
  let help: { name: string; text: string } | null = null;
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith('# HELP ')) {
      if (help) throw new Error(`HELP of ${help.name} without TYPE`);
      const [, name = '', words = ''] = match(/^# HELP (\S+) (.*)$/, line);
      if (/\\(?![\\n])/.test(words)) throw new Error(`a wrong escape in ${line}`);
      help = { name: nameOf(name), text: words };
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = match(/^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/, line);
      if (help?.name !== name) throw new Error(`TYPE of ${name} is not where it belongs`);
      if (families.some((family) => family.name === name)) throw new Error(`${name} is there twice`);
      if (families.at(-1)?.samples.length === 0) throw new Error(`${families.at(-1)?.name} has no sample`);
      families.push({ name, type, help: help.text, samples: [] });
      help = null;
    } else {
      const family = families.at(-1);
      if (!family || help) throw new Error(`a sample outside of a family: ${line}`);
      const sample = sampleOf(line);
      belongs(family, sample);
      const series = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
      if (seen.has(series)) throw new Error(`the series ${series} is there twice`);
      seen.add(series);
      family.samples.push(sample);
    }
  }
  if (help) throw new Error('HELP at the end');
  families.forEach(isWhole);
  return families;
};

const match = (pattern: RegExp, line: string): RegExpExecArray => {
  const found = pattern.exec(line);
  if (!found) throw new Error(`not understood: ${line}`);
  return found;
};

const nameOf = (name: string): string => {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`no name: ${name}`);
  return name;
};

const sampleOf = (line: string): Sample => {
  const [, name = '', list, value = ''] = match(/^([^\s{]+)(?:\{(.*)\})? (\S+)$/, line);
  return { name: nameOf(name), labels: list === undefined ? {} : labelsOf(list), value: valueOf(value) };
};

const labelsOf = (list: string): Record<string, string> => {
  const labels: Record<string, string> = {};
  let rest = list;
  while (rest !== '') {
    const [whole = '', name = '', value = ''] = match(
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,(?=.)|$)/,
      rest,
    );
    if (name.startsWith('__') || Object.hasOwn(labels, name)) throw new Error(`the label ${name}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => {
      if (!['\\', '"', 'n'].includes(escaped)) throw new Error(`a wrong escape in ${value}`);
      return escaped === 'n' ? '\n' : escaped;
    });
    rest = rest.slice(whole.length);
  }
  return labels;
};

const valueOf = (text: string): number => {
  if (text === 'NaN') return NaN;
  if (/^[+-]Inf$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new Error(`no number: ${text}`);
  return Number(text);
};

const belongs = ({ name, type }: Family, sample: Sample): void => {
  const quantile = sample.labels.quantile;
  const isOwn =
    type === 'summary'
      ? (sample.name === name && quantile !== undefined) ||
        ([`${name}_sum`, `${name}_count`].includes(sample.name) && quantile === undefined)
      : sample.name === name && quantile === undefined;
  if (!isOwn) throw new Error(`${sample.name} does not belong to ${name}`);
  if (type === 'counter' && !(name.endsWith('_total') && sample.value >= 0)) throw new Error(`${name} is no counter`);
  if (quantile !== undefined && !(valueOf(quantile) >= 0 && valueOf(quantile) <= 1)) throw new Error('no quantile');
};

/** Every series of a summary has its sum and its count. */
const isWhole = ({ name, type, samples }: Family): void => {
  if (samples.length === 0) throw new Error(`${name} has no sample`);
  if (type !== 'summary') return;
  const keyOf = ({ labels }: Sample): string =>
    JSON.stringify(
      Object.entries(labels)
        .filter(([label]) => label !== 'quantile')
        .toSorted(),
    );
  for (const sample of samples)
    for (const part of [`${name}_sum`, `${name}_count`])
      if (!samples.some((other) => other.name === part && keyOf(other) === keyOf(sample)))
        throw new Error(`${part} is missing for ${keyOf(sample)}`);
};
