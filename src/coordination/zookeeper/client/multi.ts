import { encodeCreate } from './create-request.ts';
import { UnreadableError, type JuteReader } from './jute-reader.ts';
import { encodeParts, readParts, type Part } from './multi-parts.ts';
import type { Chroot } from './paths.ts';
import { refusal, request, type Request } from './request.ts';
import { encodePathAndVersion, encodeSet } from './requests.ts';
import { readStat } from './stat-codec.ts';
import { OP } from './wire-codes.ts';
import type { MultiOperation, MultiOutcome, MultiResult } from './zookeeper-client.ts';

/* If one failed all are errors: 0 before it, its own, and `ROLLED_BACK_AFTER` behind it. */

const ROLLED_BACK_AFTER = -2;

const encode = (chroot: Chroot, operation: MultiOperation): Part => {
  switch (operation.kind) {
    case 'create':
      return encodeCreate(chroot, operation.path, operation.data, operation.options ?? {}, OP.create);
    case 'set':
      return { op: OP.setData, body: encodeSet(chroot, operation.path, operation.data, operation.version ?? -1) };
    case 'delete':
      return {
        op: OP.delete,
        body: encodePathAndVersion(chroot, 'delete', operation.path, operation.version ?? -1),
      };
    case 'check':
      return { op: OP.check, body: encodePathAndVersion(chroot, 'check', operation.path, operation.version) };
  }
};

const readResult = (chroot: Chroot, type: number, reader: JuteReader): MultiResult => {
  switch (type) {
    case OP.create:
      return { kind: 'create', path: chroot.ofClient(reader.string()) };
    case OP.create2:
    case OP.createContainer:
    case OP.createTtl: {
      const path = chroot.ofClient(reader.string());
      readStat(reader);
      return { kind: 'create', path };
    }
    case OP.setData:
      return { kind: 'set', stat: readStat(reader) };
    case OP.delete:
      return { kind: 'delete' };
    case OP.check:
      return { kind: 'check' };
    default:
      throw new UnreadableError(`a result of type ${type} in a multi`);
  }
};

const readOutcome = (chroot: Chroot, operations: readonly MultiOperation[], reader: JuteReader): MultiOutcome => {
  const found = readParts<MultiResult | number>(
    reader,
    operations.length,
    (type) => readResult(chroot, type, reader),
    (error) => error,
  );
  const errors = found.filter((each) => typeof each === 'number');
  if (errors.length > 0) {
    return failed(operations, errors);
  }
  const results = found.filter((each) => typeof each !== 'number');
  if (results.length !== operations.length || results.some(({ kind }, at) => kind !== operations[at]?.kind)) {
    throw new UnreadableError(`other results in a multi than those of its ${operations.length} operations`);
  }
  return { ok: true, results };
};

const failed = (operations: readonly MultiOperation[], errors: readonly number[]): MultiOutcome => {
  const index = errors.findIndex((error) => error !== 0 && error !== ROLLED_BACK_AFTER);
  const operation = operations[index];
  if (operation === undefined || errors.length !== operations.length) {
    throw new UnreadableError(`the errors ${errors.join()} for the ${operations.length} operations of a multi`);
  }
  return { ok: false, index, error: refusal({ name: operation.kind, path: operation.path }, errors[index]!) };
};

/** Throws BAD_ARGUMENTS. */
export const multiRequest = (chroot: Chroot, operations: readonly MultiOperation[]): Request<MultiOutcome> => {
  const body = encodeParts(operations.map((operation) => encode(chroot, operation)));
  return request(OP.multi, 'multi', undefined, body, (reader) => readOutcome(chroot, operations, reader));
};
