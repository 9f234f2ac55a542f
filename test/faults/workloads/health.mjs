const PERIOD_MS = 1000;

/** Asks whether the store can be used: whatever the answer, nothing else is to notice. */
export async function health(client) {
  const { kvi, requestMs } = client;
  const lane = client.lane('health');
  const ask = async () => (await kvi.health({ timeoutMs: requestMs })).status;
  while (!client.isOver) {
    await client.rest(PERIOD_MS);
    await lane.do('call', 'health', null, requestMs, ask);
  }
}
