/** A time in which nothing is begun, so that what remains can be counted. */
export class Calm {
  #over = Promise.resolve();
  #end = () => {};

  /** Resolves when work may go on. */
  get over() {
    return this.#over;
  }

  begin() {
    this.end();
    this.#over = new Promise((resolve) => (this.#end = resolve));
  }

  end() {
    this.#end();
    this.#over = Promise.resolve();
  }
}
