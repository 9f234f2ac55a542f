import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Kvi, open } from 'nestjs-hmetcd';
import initSqlJs, { type Database } from 'sql.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { SCHEMA, writeBalance } from '../../sample/recipes/sql-fence.js';

let db: Database;
let handles: Kvi[];

beforeEach(async () => {
  const SQL = await initSqlJs();
  db = new SQL.Database();
  db.run(SCHEMA);
  db.run("INSERT INTO account (id, balance) VALUES ('alice', 100)");
  const endpoint = `mem:${randomUUID()}`;
  handles = [];
  for (let i = 0; i < 2; i++) handles.push(await open(endpoint, { logger: new RecordingLogger() }));
});

afterEach(async () => {
  await Promise.all(handles.map((kvi) => kvi.close()));
  db.close();
});

function balance(): unknown {
  return db.exec("SELECT balance FROM account WHERE id = 'alice'")[0]?.values[0]?.[0];
}

it('lets a holder write, as often as it likes', async () => {
  const lock = await handles[0]!.lock('accounts');
  writeBalance(db, lock, 'alice', 90);
  writeBalance(db, lock, 'alice', 80);
  expect(balance()).toBe(80);
});

it('refuses a holder that lost the lock to a later one, whatever it believes', async () => {
  const [one, two] = handles;
  const lost = await one!.lock('accounts');
  await one!.delete(lost.key); // as an operator does, or the end of its lease
  const held = await two!.lock('accounts');
  writeBalance(db, held, 'alice', 50);

  expect(() => writeBalance(db, lost, 'alice', 90)).toThrow(/written under a later lock/);
  expect(balance()).toBe(50);
});
