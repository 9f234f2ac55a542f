import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import { eventChannel } from '../store/channels.js';
import { CompactedError, type StoreReplacedError } from '../store/errors.js';
import type {
  CallMessage,
  LockHoldMessage,
  LockWaitMessage,
  SessionEndedMessage,
  SessionGrantedMessage,
  SessionLostMessage,
  SessionRenewedMessage,
  WatchResyncMessage,
} from './channel-messages.js';

export const callChannel: TracingChannel<unknown, CallMessage> = tracingChannel('nestjs-hmetcd:call');
export const lockWaitChannel: TracingChannel<unknown, LockWaitMessage> =
  tracingChannel('nestjs-hmetcd:lock.wait');
export const lockHoldChannel: TracingChannel<unknown, LockHoldMessage> =
  tracingChannel('nestjs-hmetcd:lock.hold');
export const watchResyncChannel = eventChannel<WatchResyncMessage>('nestjs-hmetcd:watch.resync');
export const sessionGrantedChannel = eventChannel<SessionGrantedMessage>('nestjs-hmetcd:session.granted');
export const sessionRenewedChannel = eventChannel<SessionRenewedMessage>('nestjs-hmetcd:session.renewed');
export const sessionLostChannel = eventChannel<SessionLostMessage>('nestjs-hmetcd:session.lost');
export const sessionEndedChannel = eventChannel<SessionEndedMessage>('nestjs-hmetcd:session.ended');

export function resyncReason(error: CompactedError | StoreReplacedError): WatchResyncMessage['reason'] {
  return error instanceof CompactedError ? 'compacted' : 'replaced';
}
