import type { Answer, Call } from './history.ts';

/** What a register holds; `undefined`: it is not there. */
export type Register = { readonly value: string; readonly version: number } | undefined;

/** What an operation does to a register: what it holds then, or `'impossible'` where it would have been answered otherwise. */
export const carryOut = (register: Register, call: Call, answer: Answer): Register | 'impossible' => {
  if (register === undefined) {
    if (call.kind === 'create') {
      return answer.kind === 'written' && answer.version === 0 ? { value: call.value, version: 0 } : 'impossible';
    }
    return answer.kind === 'absent' ? undefined : 'impossible';
  }
  switch (call.kind) {
    case 'get': {
      const isIt = answer.kind === 'value' && answer.value === register.value && answer.version === register.version;
      return isIt ? register : 'impossible';
    }
    case 'create': {
      return answer.kind === 'exists' ? register : 'impossible';
    }
    case 'set':
    case 'delete': {
      if (call.version !== undefined && call.version !== register.version) {
        return answer.kind === 'other-version' ? register : 'impossible';
      }
      if (call.kind === 'delete') {
        return answer.kind === 'deleted' ? undefined : 'impossible';
      }
      const version = register.version + 1;
      return answer.kind === 'written' && answer.version === version ? { value: call.value, version } : 'impossible';
    }
  }
};

/** What an operation of unknown outcome does if it happens; `'impossible'` where it would change nothing. */
export const mayCarryOut = (register: Register, call: Call): Register | 'impossible' => {
  switch (call.kind) {
    case 'get': {
      return 'impossible';
    }
    case 'create': {
      return carryOut(register, call, { kind: 'written', version: 0, changedIn: 0n });
    }
    case 'set': {
      return register === undefined
        ? 'impossible'
        : carryOut(register, call, { kind: 'written', version: register.version + 1, changedIn: 0n });
    }
    case 'delete': {
      return carryOut(register, call, { kind: 'deleted' });
    }
  }
};
