import { connectionTitle } from '../nest/hmetcd.messages.js';

export const NO_SUCH_CONNECTION = (name: string | undefined): string =>
  `There is no health of ${connectionTitle(name)}: no module of the application defines it. ` +
  'Import HmEtcdModule.forRoot(), with that `name` if it has one. Nothing was sent.';

export const NO_HEALTH = (name: string | undefined): string =>
  `Nothing is known of ${connectionTitle(name)}: it is probably a mock, whose health() is missing or answers something else. ` +
  "Give it one, for example health: async () => ({ status: 'healthy' }).";
