/** Does what a `LockProcess` asks for, and ends with it. */
export function serve(methods) {
  const outcome = async (method, args) => {
    try {
      return { value: await methods[method](...args) };
    } catch (error) {
      return { failure: `${error.name}: ${error.message}` };
    }
  };
  const answer = async ({ id, method, args }) => {
    process.send({ id, ...(await outcome(method, args)) });
  };
  process.on('message', (request) => void answer(request));
  process.on('disconnect', () => process.exit());
}

/** Milliseconds that all processes of the machine count from the same moment. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** For processes that start several at once on a machine with other work to do. */
export const patient = {
  connectTimeoutMs: 20_000,
  logger: { debug() {}, log() {}, warn() {}, error() {} },
};
