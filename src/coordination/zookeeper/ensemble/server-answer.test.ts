import { describe, expect, test } from 'vitest';
import { parseMonitor, parseServer } from './server-answer.ts';

const LEADER = [
  'Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC',
  'Latency min/avg/max: 0/0.3077/12',
  'Received: 13',
  'Sent: 12',
  'Connections: 3',
  'Outstanding: 1',
  'Zxid: 0x100000007',
  'Mode: leader',
  'Node count: 25',
  'Proposal sizes last/min/max: 48/48/90',
  '',
].join('\n');

const figuresOf = (text: string): unknown => {
  const answer = parseServer(text);
  return answer.kind === 'serves' ? answer.figures : answer.kind;
};

describe('srvr', () => {
  test('of a leader', () => {
    expect(figuresOf(LEADER)).toEqual({
      mode: 'leader',
      version: '3.8.0',
      latencyMs: { min: 0, avg: 0.3077, max: 12 },
      connections: 3,
      outstanding: 1,
      znodes: 25,
      zxid: 0x100000007n,
    });
  });

  test('of an old version, with other lines and line ends', () => {
    const old =
      'Zookeeper version: 3.4.14-4c25d48, built on 03/06/2019\r\nLatency min/avg/max: 0/0/0\r\nMode: follower\r\n';
    expect(figuresOf(old)).toEqual({ mode: 'follower', version: '3.4.14', latencyMs: { min: 0, avg: 0, max: 0 } });
    expect(figuresOf('Mode: standalone')).toEqual({ mode: 'standalone' });
    expect(figuresOf('Zookeeper version: 3.9.0-beta-2, x\nMode: read-only')).toEqual({
      mode: 'read-only',
      version: '3.9.0-beta-2',
    });
  });

  test('that is cut off anywhere is either the same figures, fewer of them, or not understood', () => {
    const whole = figuresOf(LEADER) as Record<string, unknown>;
    const end = LEADER.indexOf('Mode: leader') + 'Mode: leader'.length;
    for (let length = 0; length < LEADER.length; length++) {
      const cut = figuresOf(LEADER.slice(0, length));
      if (length < end) {
        expect(cut).toBe('not-understood');
      } else {
        const { znodes, ...rest } = cut as Record<string, unknown>;
        expect({ ...rest, znodes: 25 }).toEqual(whole);
        expect([undefined, 2, 25]).toContain(znodes);
      }
    }
  });

  test('that is refused, or comes from a server that does not serve', () => {
    expect(parseServer('srvr is not executed because it is not in the whitelist.\n')).toEqual({ kind: 'refused' });
    expect(parseServer('This ZooKeeper instance is not currently serving requests\n')).toEqual({ kind: 'not-serving' });
  });

  test('from something else is shown as far as a terminal can bear it', () => {
    expect(parseServer('HTTP/1.1 400 Bad Request\r\n\x1b[2J\r\n')).toEqual({
      kind: 'not-understood',
      beginning: 'HTTP/1.1 400 Bad Request [2J',
    });
    const huge = parseServer('x'.repeat(1_000_000));
    expect(huge).toEqual({ kind: 'not-understood', beginning: `${'x'.repeat(60)} ...` });
    expect(parseServer('')).toEqual({ kind: 'not-understood', beginning: '' });
    const binary = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
    expect(parseServer(binary).kind).toBe('not-understood');
    expect(parseServer(`Mode: \x1b[31mleader`).kind).toBe('not-understood');
  });

  test('leaves out figures that are none', () => {
    const odd = LEADER.replace('0/0.3077/12', '0/NaN/12')
      .replace('Connections: 3', 'Connections: -1')
      .replace('Outstanding: 1', `Outstanding: ${'9'.repeat(30)}`)
      .replace('0x100000007', `0x${'f'.repeat(17)}`)
      .replace('Node count: 25', 'Node count: many')
      .replace('Zookeeper version: 3.8.0', 'Zookeeper version: \x1b[31m');
    expect(figuresOf(odd)).toEqual({ mode: 'leader' });
    expect(figuresOf(`Mode: leader\nMode: follower\n`), 'the first counts').toEqual({ mode: 'leader' });
    expect(figuresOf(LEADER.replace('0/0.3077/12', '0/1/2/3'))).not.toHaveProperty('latencyMs');
  });

  test('of a thousand times a thousand lines takes no long time', () => {
    const startMs = performance.now();
    expect(parseServer('a: b\n'.repeat(52_000)).kind).toBe('not-understood');
    expect(parseServer(`${'a '.repeat(130_000)}: b`).kind).toBe('not-understood');
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});

describe('mntr', () => {
  const MONITOR = [
    'zk_version\t3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC',
    'zk_server_state\tleader',
    'zk_avg_latency\t0.5',
    'zk_min_latency\t0',
    'zk_max_latency\t4',
    'zk_num_alive_connections\t2',
    'zk_outstanding_requests\t0',
    'zk_znode_count\t7',
    'zk_ephemerals_count\t1',
    'zk_watch_count\t3',
    'zk_approximate_data_size\t182',
    'zk_synced_followers\t2',
    'zk_quorum_size\t3',
    'zk_last_client_response_size\t-1',
    '',
  ].join('\n');

  test('of a leader', () => {
    expect(parseMonitor(MONITOR)).toEqual({
      kind: 'serves',
      figures: {
        mode: 'leader',
        version: '3.8.0',
        latencyMs: { min: 0, avg: 0.5, max: 4 },
        connections: 2,
        outstanding: 0,
        znodes: 7,
      },
      monitored: { ephemerals: 1, watches: 3, dataBytes: 182, syncedFollowers: 2, voters: 3 },
    });
  });

  test('that is refused, cut off or nonsense', () => {
    expect(parseMonitor('mntr is not executed because it is not in the whitelist.\n')).toEqual({ kind: 'refused' });
    expect(parseMonitor(MONITOR.slice(0, 40)).kind).toBe('not-understood');
    expect(parseMonitor('zk_server_state leader').kind).toBe('not-understood');
    expect(parseMonitor('zk_server_state\tfollower\nzk_znode_count\t-3')).toEqual({
      kind: 'serves',
      figures: { mode: 'follower' },
      monitored: {},
    });
  });
});
