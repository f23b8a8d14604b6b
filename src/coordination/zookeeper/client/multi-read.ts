import { UnreadableError, type JuteReader } from './jute-reader.ts';
import { encodeParts, readParts } from './multi-parts.ts';
import type { Chroot } from './paths.ts';
import { refusal, request, type Request } from './request.ts';
import { encodeRead, readNames } from './requests.ts';
import { readStat } from './stat-codec.ts';
import { OP } from './wire-codes.ts';
import type { ReadOperation, ReadResult } from './zookeeper-client.ts';

const OPS: Readonly<Record<ReadOperation['kind'], number>> = { get: OP.getData, children: OP.getChildren };

const readResult = (type: number, reader: JuteReader): ReadResult => {
  switch (type) {
    case OP.getData:
      return { kind: 'get', data: reader.buffer(), stat: readStat(reader) };
    case OP.getChildren:
      return { kind: 'children', names: readNames(reader) };
    default:
      throw new UnreadableError(`a result of type ${type} in a multiRead`);
  }
};

const readResults = (reads: readonly ReadOperation[], reader: JuteReader): readonly ReadResult[] => {
  const found = readParts<ReadResult | number>(
    reader,
    reads.length,
    (type) => readResult(type, reader),
    (error) => error,
  );
  if (found.length !== reads.length) {
    throw new UnreadableError(`${found.length} results of ${reads.length} reads`);
  }
  return reads.map(({ kind, path }, at): ReadResult => {
    const result = found[at]!;
    if (typeof result === 'number' ? result === 0 : result.kind !== kind) {
      throw new UnreadableError(`another result than one of '${kind}'`);
    }
    return typeof result === 'number' ? { kind: 'error', error: refusal({ name: kind, path }, result) } : result;
  });
};

/** Throws BAD_ARGUMENTS. */
export const multiReadRequest = (chroot: Chroot, reads: readonly ReadOperation[]): Request<readonly ReadResult[]> => {
  const body = encodeParts(reads.map(({ kind, path }) => ({ op: OPS[kind], body: encodeRead(chroot, kind, path) })));
  return request(OP.multiRead, 'multiRead', undefined, body, (reader) => readResults(reads, reader));
};
