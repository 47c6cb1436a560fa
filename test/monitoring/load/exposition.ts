export interface Exposition {
  readonly types: ReadonlyMap<string, string>;
  /** Of the one sample of this name that has exactly these labels. Throws where there is none. */
  value(name: string, labels: Readonly<Record<string, string>>): number;
  histograms(
    name: string,
    labels: Readonly<Record<string, string>>,
  ): {
    readonly buckets: readonly (readonly [le: string, count: number])[];
    readonly sum: number;
    readonly count: number;
  };
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads Prometheus's text format and throws where it is not valid: a sample without a type, two of the same name and labels, a
 * family in two places (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('The last line does not end');
  const types = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  let family = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'TYPE') {
      if (types.has(name)) throw new Error(`${name} has two types`);
      types.set(name, rest);
      family = name;
    } else if (kind === undefined) {
      const sample = readSample(line);
      const base =
        types.get(family) === 'histogram' ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
      if (base !== family) throw new Error(`${line} is not below its type`);
      if (seen.has(line.replace(/ \S+$/, ''))) throw new Error(`${line} is there twice`);
      seen.add(line.replace(/ \S+$/, ''));
      samples.push(sample);
    }
  }

  function value(name: string, labels: Readonly<Record<string, string>>): number {
    const found = samples.find((sample) => sample.name === name && same(sample.labels, labels));
    if (found === undefined) throw new Error(`There is no ${name} ${JSON.stringify(labels)}`);
    return found.value;
  }

  return {
    types,
    value,
    histograms: (name, labels) => ({
      buckets: samples.flatMap((sample) => {
        const { le = '', ...others } = sample.labels;
        return sample.name === `${name}_bucket` && same(others, labels) ? [[le, sample.value] as const] : [];
      }),
      sum: value(`${name}_sum`, labels),
      count: value(`${name}_count`, labels),
    }),
  };
}

function readSample(line: string): Sample {
  const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`Not a sample: ${line}`);
  const [, name = '', pairs = '', value = ''] = match;
  const labels = [...pairs.matchAll(/(\w+)="((?:[^"\\]|\\.)*)",?/g)];
  if (labels.map(([pair]) => pair).join('') !== pairs) throw new Error(`Not labels: ${pairs}`);
  if (Number.isNaN(Number(value))) throw new Error(`Not a number: ${line}`);
  return {
    name,
    labels: Object.fromEntries(labels.map(([, label = '', text = '']) => [label, text])),
    value: Number(value),
  };
}

function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
