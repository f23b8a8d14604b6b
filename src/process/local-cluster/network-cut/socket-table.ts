/** What of its ports tells packets of one process from those of others. */
export interface ProcessSockets {
  /** Where it listens. */
  readonly ports: readonly number[];
  /** Its connections by their own port and that of the other end, as far as they are not at a port where it listens. */
  readonly pairs: readonly (readonly [local: number, remote: number])[];
}

const LISTENING = '0A';
const SOCKET_LINK = /^socket:\[(?<inode>\d+)\]$/;

/**
 * `tables`: contents of `/proc/<pid>/net/tcp` and `tcp6`, which hold the sockets of everybody in that network; `links`: where
 * `/proc/<pid>/fd/*` point.
 */
export const socketsOf = (tables: readonly string[], links: readonly string[]): ProcessSockets => {
  const own = new Set(links.flatMap((link) => SOCKET_LINK.exec(link)?.groups?.['inode'] ?? []));
  const sockets = tables
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , , , , , , , inode]) => inode !== undefined && own.has(inode))
    .map(([, local = '', remote = '', state = '']) => ({ local: portOf(local), remote: portOf(remote), state }));
  const ports = new Set(sockets.filter(({ state }) => state === LISTENING).map(({ local }) => local));
  const pairs = sockets
    .filter(({ state, local }) => state !== LISTENING && !ports.has(local))
    .map(({ local, remote }) => `${local} ${remote}`);
  return {
    ports: [...ports].toSorted((a, b) => a - b),
    pairs: [...new Set(pairs)].toSorted().map((pair) => {
      const [local = '', remote = ''] = pair.split(' ');
      return [Number(local), Number(remote)] as const;
    }),
  };
};

/** `0100007F:1F90` */
const portOf = (address: string): number => Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
