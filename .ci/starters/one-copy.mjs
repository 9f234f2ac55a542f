// Run in the folder of a starter: `import` and `require` must load the same copy of the package.
import { strictEqual } from 'node:assert';
import { createRequire } from 'node:module';

const imported = await import('nestjs-hmetcd');
const required = createRequire(import.meta.url)('nestjs-hmetcd');

for (const name of ['HmEtcdModule', 'KviService', 'InvalidArgumentError', 'open']) {
  strictEqual(typeof imported[name], 'function', `${name} is not exported`);
  strictEqual(required[name], imported[name], `import and require see two copies of ${name}`);
}
