import { OptionDefaults } from 'typedoc';
import { entryPoints } from './entry-points.mjs';

/** The reference of what is public, by `npm run docs`. A name that is not documented, or is told of but not exported, is an error. */
export default {
  entryPoints: entryPoints.map(({ source }) => `../../${source}`),
  tsconfig: '../../lib/tsconfig.json',
  readme: '../../README.md',
  out: '../../docs',
  modifierTags: [...OptionDefaults.modifierTags, '@publicApi'],
  excludeTags: ['@publicApi'],
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  // They spell out what something public takes or answers, and have no use by themselves.
  intentionallyNotExported: [
    'AsyncMethod',
    'CancelTimer',
    'Clock',
    'MayBeUndefined',
    'Parsed',
    'SchemaResult',
    'Skipping',
    'SuitsName',
    'Text',
    'Throwing',
  ],
  // Type parameters, which need no word of their own; these are asked for because a function type stands in them.
  intentionallyNotDocumented: [
    'index.DistLocked.Namer',
    'index.ElectionMethodDecorator.__type.Handler',
    'index.KeyChangeMethodDecorator.__type.Handler',
  ],
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  treatWarningsAsErrors: true,
};
