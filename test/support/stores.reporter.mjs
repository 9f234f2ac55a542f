/** A Jest reporter that names the stores which the contract was run on, above Jest's summary. */
export default class StoresReporter {
  #stores = new Set();

  onTestResult(_test, { testResults }) {
    for (const { ancestorTitles, status } of testResults) {
      // The title is given by describeContract().
      const store = /^the contract on (.+): /.exec(ancestorTitles[0] ?? '')?.[1];
      if (store !== undefined && status !== 'pending') this.#stores.add(store);
    }
  }

  onRunComplete() {
    if (this.#stores.size > 0) process.stderr.write(`stores: ${[...this.#stores].join(', ')}\n`);
  }
}
