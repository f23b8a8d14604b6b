import { expect, test } from 'vitest';
import { socketsOf } from './socket-table.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, remote: string, state: string, inode: number): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`;

test('ports where it listens and connections that it made are its own; those of others are not', () => {
  const tcp = [
    HEAD,
    line('0100007F:1F91', '00000000:0000', '0A', 11),
    // Accepted where it listens: told by that port.
    line('0100007F:1F91', '0100007F:C350', '01', 12),
    line('0100007F:C351', '0100007F:17EB', '01', 13),
    // It is still connecting.
    line('0100007F:C352', '0100007F:17EB', '02', 14),
    line('0100007F:17EB', '00000000:0000', '0A', 99),
    // The kernel's: nobody has it open any more.
    line('0100007F:C353', '0100007F:17EB', '06', 0),
  ].join('\n');
  const tcp6 = [
    HEAD,
    line('00000000000000000000000001000000:0050', '00000000000000000000000000000000:0000', '0A', 15),
    '',
  ].join('\n');
  const links = [11, 12, 13, 14, 15].map((inode) => `socket:[${inode}]`);
  expect(socketsOf([tcp, tcp6], ['/dev/null', 'pipe:[99]', ...links, 'anon_inode:[eventpoll]'])).toEqual({
    ports: [80, 8081],
    pairs: [
      [50_001, 6123],
      [50_002, 6123],
    ],
  });
  expect(socketsOf([tcp, tcp6], [])).toEqual({ ports: [], pairs: [] });
});
