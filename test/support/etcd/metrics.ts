/** The numbers of a `/metrics` page, by name and labels as printed there. */
export class Metrics {
  readonly #values: ReadonlyMap<string, number>;

  constructor(page: string) {
    const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.#values = new Map(lines.map(parseLine));
  }

  /** All that have this name, whatever their labels, added up; 0 for none. */
  sum(name: string): number {
    let sum = 0;
    for (const [series, value] of this.#values) {
      if (series === name || series.startsWith(`${name}{`)) sum += value;
    }
    return sum;
  }

  /** One number; with labels as `name{label="value",…}`. */
  get(series: string): number | undefined {
    return this.#values.get(series);
  }
}

function parseLine(line: string): [string, number] {
  const end = line.lastIndexOf(' ');
  return [line.slice(0, end), Number(line.slice(end + 1).replace('Inf', 'Infinity'))];
}
