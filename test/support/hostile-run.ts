import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';

/** What a process with hostile calls has found. */
export interface HostileReport {
  /** How many calls there were, by what they were. */
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** A word of the process, which waits until it was answered. */
export interface Phase {
  readonly phase: string;
  readonly round: number;
}

/** The same calls again with the seed that a failure names: `HOSTILE_SEED=… HOSTILE_ROUNDS=… npm run jest -- …`. */
export const hostileSeed = Number(process.env['HOSTILE_SEED'] ?? randomInt(2 ** 31));

export function hostileRounds(inCi: number): number {
  return Number(process.env['HOSTILE_ROUNDS'] ?? inCi);
}

/**
 * Runs a script in a process of its own to its end: what is neither caught nor over is seen from outside.
 *
 * @throws when it ends otherwise than by its report, or not in time; with the seed and what it was doing
 */
export async function runHostile<Report extends HostileReport>(
  script: URL,
  settings: { readonly seed: number; readonly rounds: number; readonly endpoint: string },
  timeoutMs: number,
  onPhase: (phase: Phase) => void = () => {},
): Promise<Report> {
  const child = fork(script, [JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let [round, report]: [number, Report | undefined] = [-1, undefined];
  let output = '';
  child.stdout!.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr!.on('data', (text: Buffer) => (output += text.toString()));
  child.on('message', (message: { round: number } | Phase | Report) => {
    if ('phase' in message) {
      onPhase(message);
      child.send('go on');
    } else if ('round' in message) round = message.round;
    else report = message;
  });
  const ended = await endOf(child, timeoutMs);
  if (report !== undefined && ended !== 'hung') return report;
  throw new Error(
    `HOSTILE_SEED=${settings.seed}, round ${round} of ${settings.rounds}: ${ended}\n${output.slice(-4000)}`,
  );
}

async function endOf(child: ChildProcess, timeoutMs: number): Promise<string> {
  let isHung = false;
  const timer = setTimeout(() => {
    isHung = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  return isHung ? 'hung' : `ended with ${code ?? signal}`;
}
