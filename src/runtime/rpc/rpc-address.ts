import { MillraceError } from '../../foundation/common/errors.ts';

export interface RpcAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, an IPv6 host in brackets. */
export const formatAddress = ({ host, port }: RpcAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Errors: BAD_OPTION; `what` names the text in it. */
export const parseAddress = (text: string, what = 'the address'): RpcAddress => {
  const match = /^(?:\[(?<v6>[0-9a-fA-F.]*:[0-9a-fA-F:.]*(?:%\w+)?)\]|(?<name>[^\s:[\]]+)):(?<port>\d{1,5})$/.exec(
    text.trim(),
  );
  const host = match?.groups?.['v6'] ?? match?.groups?.['name'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined || !(port <= 65_535)) {
    throw new MillraceError(
      'BAD_OPTION',
      `${what} is ${JSON.stringify(text)}; allowed: host:port, [IPv6 address]:port`,
    );
  }
  return { host, port };
};
