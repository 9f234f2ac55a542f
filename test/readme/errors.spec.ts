import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as kviErrors from '../../lib/kvi/errors.js';
import * as storeErrors from '../../lib/store/errors.js';
import { entryPoints } from '../api/entry-points.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const README = readFileSync(resolve(ROOT, 'README.md'), 'utf8');

/** The floors above turn it into an error of theirs. */
const INTERNAL = ['LeaseNotFoundError'];

type ErrorClass = (new (message: string) => storeErrors.HmEtcdError) & { readonly code: string };

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === 'function' && value.prototype instanceof storeErrors.HmEtcdError;

const classesOf = (module: object): ErrorClass[] => Object.values(module).filter(isErrorClass);

const exported: ErrorClass[] = [];
// One after the other: Jest's loader does not take several that share modules.
for (const { source } of entryPoints) {
  exported.push(...classesOf((await import(resolve(ROOT, source))) as object));
}
const classes = [...new Set(exported)];

/** `#### CODE`, and below it the class with what has happened, and what helps. */
const entries = Array.from(
  README.matchAll(/^#### `(?<code>ERR_\w+)`\n\n`(?<name>\w+)`: \S.*\n\*\*What to do:\*\* \S.*$/gm),
  ({ groups }) => ({ code: groups!['code'], name: groups!['name'] }),
);

describe('The errors of the README', () => {
  it('are all that can be caught, each once, with its code, its cause and its cure', () => {
    const expected = classes.map(({ name, code }) => ({ code, name }));
    expect(entries.toSorted(byCode)).toEqual(expected.toSorted(byCode));
    expect(README.match(/^#### `ERR_/gm)).toHaveLength(entries.length);
  });

  it('are all that the library has, but for what stays within', () => {
    const all = [...classesOf(storeErrors), ...classesOf(kviErrors)].map(({ name }) => name);
    expect(all.filter((name) => !classes.some((one) => one.name === name))).toEqual(INTERNAL);
  });

  it.each(classes.map((Type) => ({ name: Type.name, Type })))('are where $name points to', ({ Type }) => {
    const { message } = new Type('What went wrong.');
    const url = new URL(/ See (https:\/\/\S+)$/.exec(message)![1]!);
    const ours = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as { name: string };
    expect(url.href).toBe(`https://www.npmjs.com/package/${ours.name}${url.hash}`);
    expect(anchors()).toContain(url.hash);
  });
});

/** As npm and GitHub make them of headings. */
function anchors(): string[] {
  return Array.from(README.matchAll(/^#+ (.+)$/gm), ([, heading]) => {
    const text = heading!.toLowerCase().replaceAll(/[^\w\- ]/g, '');
    return `#${text.replaceAll(' ', '-')}`;
  });
}

function byCode(left: { code?: string | undefined }, right: { code?: string | undefined }): number {
  return (left.code ?? '') < (right.code ?? '') ? -1 : 1;
}
