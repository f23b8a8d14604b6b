import type { ProcessSockets } from './socket-table.ts';

export interface CutRules extends ProcessSockets {
  /** Name of the table, which holds all of it. */
  readonly table: string;
  /** The control group that the process is in while it is cut off, below `/sys/fs/cgroup`; `undefined`: none, to see whether the kernel can. */
  readonly group: string | undefined;
  /** How deep that group is in its hierarchy. */
  readonly groupLevel: number;
  /** After it the kernel forgets whom to cut off, should nobody have ended the cut before. */
  readonly limitMs: number;
}

/**
 * For `nft -f -`: nothing arrives at the process, and nothing that it sends arrives anywhere, as when a cable is pulled. Sockets that
 * it has are told by their ports; those that it opens from now on by its control group, from their first packet on.
 */
export const cutRules = ({ table, group, groupLevel, limitMs, ports, pairs }: CutRules): string => {
  const timeout = `timeout ${Math.ceil(limitMs / 1000)}s`;
  const set = (name: string, type: string, elements: readonly string[]): string =>
    `  set ${name} { type ${type}; flags timeout; ` +
    `${elements.length === 0 ? '' : `elements = { ${elements.map((element) => `${element} ${timeout}`).join(', ')} } `}}`;
  return [
    `table inet ${table} {`,
    set('ports', 'inet_service', ports.map(String)),
    set(
      'connections',
      'inet_service . inet_service',
      pairs.map((pair) => pair.join(' . ')),
    ),
    set('groups', 'cgroupsv2', group === undefined ? [] : [JSON.stringify(group)]),
    '  chain arriving {',
    '    type filter hook input priority -200; policy accept;',
    '    tcp dport @ports drop',
    '    tcp dport . tcp sport @connections drop',
    '  }',
    '  chain leaving {',
    '    type filter hook output priority -200; policy accept;',
    '    tcp sport @ports drop',
    '    tcp sport . tcp dport @connections drop',
    `    meta l4proto tcp socket cgroupv2 level ${groupLevel} @groups drop`,
    '  }',
    '}',
    '',
  ].join('\n');
};
