import type { Operation } from '../../../lib/store/store.js';
import { nested, put, remove } from './operations.js';

type Case = [string, Operation[]];

/** A transaction that does the one or the other. */
const either = (success: Operation[], failure: Operation[]): Operation => nested(success, { failure });

/** Branches that etcd refuses. */
export const OVERLAPPING: Case[] = [
  ['one key put twice', [put('a'), put('a')]],
  ['a key put and deleted', [put('b'), remove('a', 'c')]],
  ['a key deleted and put', [remove('a', 'c'), put('b')]],
  ['one key put in two nested', [nested([put('a')]), nested([put('a')])]],
  [
    'one key put in two nested, in branches that exclude nothing',
    [nested([put('a')]), either([], [put('a')])],
  ],
  ['a key put beside a nested that puts it', [put('a'), nested([put('a')])]],
  ['a key put beside a nested that may put it', [either([], [put('a')]), put('a')]],
  ['a key put beside a nested that deletes it', [put('a'), nested([remove('a')])]],
  ['a key put before a nested that deletes it, in its other branch', [either([], [remove('a')]), put('a')]],
  ['a key deleted beside a nested that puts it', [nested([put('a')]), remove('a')]],
  ['a key deleted in a nested and put in the next', [nested([remove('a')]), nested([put('a')])]],
  ['one key put twice in a nested', [nested([put('a'), put('a')])]],
  ['one key put twice in the other branch of a nested', [either([], [put('a'), put('a')])]],
  ['one key put on two depths', [nested([nested([put('a')])]), either([], [nested([put('a')])])]],
  ['a key deleted deep down and put', [nested([nested([remove('a')])]), put('a')]],
];

/** Branches that it lets pass. */
export const SEPARATE: Case[] = [
  ['two keys', [put('a'), put('b'), remove('c')]],
  ['one key in both branches of a nested', [either([put('a')], [put('a')])]],
  ['a key put in one branch of a nested and deleted in the other', [either([put('a')], [remove('a')])]],
  ['a key deleted in one branch of a nested and put in the other', [either([remove('a')], [put('a')])]],
  ['one key in both branches, deeper', [either([nested([put('a')])], [nested([put('a')])])]],
  ['deletions of one key', [remove('a'), nested([remove('a')]), nested([remove('a')])]],
  ['reads of what is written', [put('a'), nested([{ type: 'range', key: 'a' }])]],
  [
    'what etcd overlooks: a nested that deletes what one before it put',
    [nested([put('a')]), nested([remove('a')])],
  ],
  ['what etcd overlooks: a key put and deleted to the last key', [put('a'), remove('a', '\0')]],
  ['what etcd overlooks: a key deleted to the last key and put', [remove('a', '\0'), put('a')]],
];
