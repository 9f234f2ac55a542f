/** Where the instances announce themselves. */
export const INSTANCE_PREFIX = 'instances/';
