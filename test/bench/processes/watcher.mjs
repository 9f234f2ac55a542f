import { EventEmitter, on } from 'node:events';
import { serve } from '../child.mjs';
import { monotonicMs } from '../clock.mjs';
import { connect } from '../contenders/connect.mjs';

// Tells when the events of one key arrive, one at each question.

const [endpoint, key] = process.argv.slice(2);
const events = new EventEmitter();
const arrivals = on(events, 'arrival');
const client = await connect('raw', endpoint);
await client.watchWithCB(key, 'put', () => events.emit('arrival', monotonicMs()));

serve(async (question) => {
  if (question === 'ready?') return true;
  const { value } = await arrivals.next();
  return value[0];
});
