import { expect, it } from '@jest/globals';
import {
  DistLocked,
  FromKey,
  InjectKvi,
  InvalidArgumentError,
  OnElected,
  OnKeyChange,
} from '../../lib/index.js';
import { refusalOf } from './support/refusal.js';

type Loose = (...place: unknown[]) => unknown;

it.each([
  ['@DistLocked', DistLocked()],
  ['@OnKeyChange', OnKeyChange('key')],
  ['@OnElected', OnElected('name')],
  ['@FromKey', FromKey('key')],
  ['@InjectKvi', InjectKvi()],
])('%s that is put where no compiler would put it says where it belongs', (name, decorator) => {
  const places = [
    [undefined, 'method', {}],
    [null, undefined, null],
    [7, 'method', { value: () => {} }],
  ];
  const refusals = places.map((place) => refusalOf(() => (decorator as Loose)(...place)));
  expect(refusals).toEqual(places.map(() => ({ error: InvalidArgumentError, argument: name })));
});
