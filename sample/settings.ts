import { parseArgs } from 'node:util';
import { StartError } from './start.error.js';

export interface Settings {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly endpoint: string;
  /** How many nodes the generator plays. */
  readonly nodes: number;
}

const USAGE = 'Usage: [PORT=3000] [HMETCD_ENDPOINT=mem:] npm start [-- --nodes 5]';

/** @throws StartError that names the setting and what it may be */
export function readSettings(args: readonly string[], env: NodeJS.ProcessEnv): Settings {
  return {
    port: wholeNumber('PORT', env.PORT || '3000', 65_535),
    endpoint: env.HMETCD_ENDPOINT || 'mem:',
    nodes: wholeNumber('--nodes', readArguments(args).nodes, 1000),
  };
}

function readArguments(args: readonly string[]): { nodes: string } {
  try {
    return parseArgs({ args: [...args], options: { nodes: { type: 'string', default: '5' } } }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`${reason}. ${USAGE}`, { cause: error });
  }
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  // Number('') is 0 and Number('1e3') 1000; neither is what somebody meant to type.
  if (!/^\d+$/.test(text) || value > max) {
    throw new StartError(`${name} must be a whole number from 0 to ${max}, not '${text}'. ${USAGE}`);
  }
  return value;
}
