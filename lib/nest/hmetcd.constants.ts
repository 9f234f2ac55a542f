/** What the user answered: an endpoint or options, not yet checked when a factory answered it. */
export const HMETCD_OPTIONS = 'nestjs-hmetcd options';

/** The checked options of the connection that a module is for. */
export const HMETCD_CONNECTION = 'nestjs-hmetcd connection options';

/** Who opens connections, where it is not `open()`. */
export const HMETCD_OPENER = 'nestjs-hmetcd opener';

/** The connection under a token that is the same in every module, whatever the connection's name. */
export const HMETCD_KVI = 'nestjs-hmetcd connection';

export const DIST_LOCKED_METADATA = 'nestjs-hmetcd:dist-locked';
export const FROM_KEY_METADATA = 'nestjs-hmetcd:from-key';
export const ON_KEY_CHANGE_METADATA = 'nestjs-hmetcd:on-key-change';
export const ELECTION_METADATA = 'nestjs-hmetcd:election';

/** The context of the module's log lines. */
export const LOGGER_CONTEXT = 'HmEtcd';
