import type { Alert } from '../../../sample/alerts/status.alert.js';

/**
 * Follows `GET /alerts`: every alert raised after the promise has resolved, until the server ends the stream. A
 * connection that breaks throws.
 */
export async function followAlerts(url: string): Promise<AsyncGenerator<Alert, void>> {
  const response = await fetch(`${url}/alerts`);
  return alertsOf(response);
}

async function* alertsOf(response: Response): AsyncGenerator<Alert, void> {
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    yield* events.flatMap(dataOf);
  }
}

function dataOf(event: string): Alert[] {
  const data = /^data: (.*)$/m.exec(event)?.[1];
  return data === undefined ? [] : [JSON.parse(data)];
}

/** Passes over others: a low limit makes a node stale again between two steps of a test. */
export async function nextAlert(alerts: AsyncGenerator<Alert, void>, kind: Alert['kind']): Promise<Alert> {
  for (;;) {
    const { value } = await alerts.next();
    if (!value) throw new Error(`The stream ended without '${kind}'`);
    if (value.kind === kind) return value;
  }
}
