import { MillraceError } from '../../foundation/common/errors.ts';

/** Ports to try, in this order. */
export interface PortRange {
  /** As it was written. */
  readonly text: string;
  readonly ports: readonly number[];
}

const SYNTAX = 'a port (0 takes any), a range such as 50100-50200, or several of both divided by commas';

/** Flink's syntax: `50100-50200,50300`. Errors: BAD_OPTION, which names `key`. */
export const parsePortRange = (text: string, key: string): PortRange => {
  const ports = text.split(',').flatMap((part) => {
    const match = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || last > 65_535 || first > last || (match[2] !== undefined && first === 0)) {
      throw new MillraceError('BAD_OPTION', `${key} is ${JSON.stringify(text)}; allowed: ${SYNTAX}`);
    }
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
  return { text, ports: [...new Set(ports)] };
};

export const anyPort: PortRange = { text: '0', ports: [0] };

/** The error when every port of the range is taken. */
export const noPortFree = (host: string, { text, ports }: PortRange, key: string, cause?: unknown): MillraceError =>
  new MillraceError(
    'ADDRESS_IN_USE',
    ports.length === 1
      ? `port ${text} of ${host} is in use (${key}); end the process that has it, or set a range of ports, or 0 for any`
      : `all ${ports.length} ports ${text} of ${host} are in use (${key}); widen the range, or set 0 for any`,
    { cause },
  );
