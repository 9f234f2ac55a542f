import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from '@jest/globals';
import { documents, ROOT } from './support/documents.js';

const CODE = /```[^]*?```|`[^`\n]*`/g;

/** As GitHub makes them of headings. */
function anchorsIn(markdown: string): string[] {
  const headings = markdown.replaceAll(/```[^]*?```/g, '').matchAll(/^#+ (.*)$/gm);
  return Array.from(headings, ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with a link to a place in the repository. */
function fault(from: string, link: string): string | undefined {
  const [path, anchor] = link.split('#') as [string, string?];
  const target = path === '' ? from : normalize(join(dirname(from), path));
  if (!existsSync(join(ROOT, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined || anchorsIn(readFileSync(join(ROOT, target), 'utf8')).includes(anchor))
    return undefined;
  return `${link}: ${target} has no such heading`;
}

it.each(documents().map(({ path, text }) => [path, text]))('%s links to what is there', (path, text) => {
  const links = Array.from(text.replaceAll(CODE, '').matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link!);
  const inside = links.filter((link) => !/^https?:/.test(link));
  expect(links.length).toBeGreaterThan(0);
  expect(inside.flatMap((link) => fault(path, link) ?? [])).toEqual([]);
});
