/** A promise to settle by hand. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** What happened, to be waited for. */
export class Journal<T> {
  readonly entries: T[] = [];
  private readonly waiting = new Set<() => void>();

  add(entry: T): void {
    this.entries.push(entry);
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** All entries, once there are `count`. */
  async reaches(count: number): Promise<T[]> {
    while (this.entries.length < count) {
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve);
      });
    }
    return this.entries;
  }
}
