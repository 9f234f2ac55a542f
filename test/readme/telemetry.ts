import { subscribe } from 'node:diagnostics_channel';
import type { LockHoldMessage } from 'nestjs-hmetcd';
import { instrumentHmEtcd } from 'nestjs-hmetcd/opentelemetry';

/** With OpenTelemetry, when its SDK has been started. */
export const stopRecording = instrumentHmEtcd();

/** Without: any channel, by its name. */
export function tellLoss(message: unknown): void {
  const { name, fencingToken } = message as LockHoldMessage;
  console.log(`The lock '${name}' was lost, granted with the token ${fencingToken}.`);
}
subscribe('tracing:nestjs-hmetcd:lock.hold:error', tellLoss);
