import { format } from 'node:util';
import type { LogLevel } from '../../foundation/common/logger.ts';
import { ownerOnStack } from './task/chain-link.ts';
import type { LinkOwner } from './task/chain-link.ts';

export type ConsoleLine = { readonly level: LogLevel; readonly text: string; readonly owner: LinkOwner | undefined };

const METHODS = { log: 'info', info: 'info', debug: 'debug', trace: 'debug', warn: 'warn', error: 'error' } as const;

/**
 * Sends what user code prints to `emit`, with the operator whose code it is: found on the stack, which costs nothing
 * where nobody prints. Returns what undoes it.
 */
export const captureConsole = (target: Console, emit: (line: ConsoleLine) => void): (() => void) => {
  const methods = Object.keys(METHODS) as (keyof typeof METHODS)[];
  const originals = methods.map((method) => [method, target[method]] as const);
  for (const method of methods) {
    target[method] = (...values: unknown[]) => {
      const holder: { stack?: string } = {};
      const limit = Error.stackTraceLimit;
      Error.stackTraceLimit = 100;
      Error.captureStackTrace(holder, target[method]);
      Error.stackTraceLimit = limit;
      emit({ level: METHODS[method], text: format(...values), owner: ownerOnStack(holder.stack) });
    };
  }
  return () => {
    for (const [method, original] of originals) {
      target[method] = original;
    }
  };
};
