/**
 * A node has two keys because two parties write. Its heartbeat is written at every report, by whichever
 * instance hears it; its status changes seldom, and every change is an alert. In one key each report would
 * raise an alert and each sweep would overwrite a report.
 */
export const HEARTBEAT_PREFIX = 'heartbeat/';
export const STATUS_PREFIX = 'status/';

export const heartbeatKey = (node: string): string => HEARTBEAT_PREFIX + node;
export const statusKey = (node: string): string => STATUS_PREFIX + node;
