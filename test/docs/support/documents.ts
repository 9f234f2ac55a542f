import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

export interface Document {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a document. */
export interface CodeBlock {
  readonly document: string;
  /** Of its first line in the document, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** `README.md:12` */
  readonly place: string;
}

/** The README, and what of the recipes is written in Markdown. */
export function documents(): Document[] {
  const recipes = readdirSync(join(ROOT, 'sample/recipes')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...recipes.map((name) => `sample/recipes/${name}`)].map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  }));
}

export const allBlocks = (): CodeBlock[] => documents().flatMap(codeBlocks);

export function codeBlocks({ path, text }: Document): CodeBlock[] {
  return Array.from(text.matchAll(/^( *)```(.*)\n([^]*?)^\1```$/gm), (match) => {
    const [, indent, language, code] = match as unknown as [string, string, string, string];
    const line = text.slice(0, match.index).split('\n').length + 1;
    const dedented = code.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    return { document: path, line, language, text: dedented, place: `${path}:${line}` };
  });
}
