import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { type CodeBlock, ROOT } from './documents.js';

/** Below a `dist`, which neither git nor the other tools look into, and inside the package, so that its own name leads to it. */
const FOLDER = join(ROOT, 'test/docs/dist');
const GIVEN = join(ROOT, 'test/docs/support/given.ts');

/** A block as a source file of its own. */
export interface BlockFile {
  readonly block: CodeBlock;
  readonly path: string;
  /** It shows a few lines, not a file: what it leaves out was added. */
  readonly isFragment: boolean;
}

/**
 * Writes each block into a file, where it has the line numbers that it has in its document.
 *
 * @param given the names that a fragment may use without importing them
 */
export function writeBlocks(blocks: readonly CodeBlock[], given: readonly string[]): BlockFile[] {
  removeBlocks();
  mkdirSync(FOLDER, { recursive: true });
  return blocks.map((block, at) => {
    const path = join(FOLDER, nameOf(block));
    const isFragment = !isModule(block.text);
    const code = isFragment
      ? preamble(block.text, given) + atLine(block, complete(block.text))
      : atLine(block, withNeighbour(block.text, blocks[at - 1]));
    writeFileSync(path, code);
    return { block, path, isFragment };
  });
}

export function removeBlocks(): void {
  rmSync(FOLDER, { recursive: true, force: true });
}

const nameOf = ({ document, line }: CodeBlock): string => `${document.replaceAll('/', '_')}.${line}.ts`;

/** A file beside it, as a test has the one it tests, is what the block before shows. */
function withNeighbour(text: string, previous: CodeBlock | undefined): string {
  return previous === undefined ? text : text.replace(/(?<=from ')\.\/[\w.-]+(?=')/, `./${nameOf(previous)}`);
}

/** What the compiler says of the files, with the repository's own settings, each line with its place in the document. */
export function compile(files: readonly BlockFile[]): string[] {
  const program = ts.createProgram(
    files.map(({ path }) => path),
    { ...repositorySettings(), allowImportingTsExtensions: true },
  );
  const fileOf = new Map(files.map((file) => [file.path, file]));
  return ts.getPreEmitDiagnostics(program).flatMap((diagnostic) => {
    const file = fileOf.get(diagnostic.file?.fileName ?? '');
    if (file?.isFragment && diagnostic.reportsUnnecessary) return [];
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
    return [`${placeOf(diagnostic, file)}: ${message}`];
  });
}

function repositorySettings(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  return ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT).options;
}

function placeOf({ file, start }: ts.Diagnostic, block: BlockFile | undefined): string {
  if (file === undefined) return 'the settings';
  const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
  return `${block?.block.document ?? file.fileName}:${line + 1}`;
}

const atLine = ({ line }: CodeBlock, code: string): string => '\n'.repeat(line - 1) + code;

const parse = (text: string): ts.SourceFile => ts.createSourceFile('block.ts', text, ts.ScriptTarget.Latest);

function isModule(text: string): boolean {
  return parse(text).statements.some(
    (statement) =>
      ts.isImportDeclaration(statement) ||
      ts.isExportDeclaration(statement) ||
      (ts.canHaveModifiers(statement) &&
        ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)),
  );
}

/** Statements as they are; methods, which stand nowhere else, in a class. */
function complete(text: string): string {
  return isStatements(text) ? text : `class Fragment { ${text} }\nvoid Fragment;`;
}

function isStatements(text: string): boolean {
  const { diagnostics } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
    },
  });
  return diagnostics!.length === 0;
}

/** On one line: the block's own begin after it. */
function preamble(text: string, given: readonly string[]): string {
  const names = given.filter((name) => new RegExp(`(?<![.\\w])${name}\\b`).test(text));
  return `import { ${names.join(', ')} } from '${GIVEN}';`;
}
