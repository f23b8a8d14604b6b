import { describe, expect, test } from 'vitest';
import { Configuration } from '../../foundation/config/configuration.ts';
import { rpcOptions } from '../../foundation/config/options/rpc-options.ts';
import { parsePortRange } from './port-range.ts';
import { formatAddress, parseAddress } from './rpc-address.ts';
import { binding, heartbeatOptions, registrationTiming, rpcLimits } from './rpc-configuration.ts';
import { defaultLimits } from './rpc-limits.ts';

describe('what is configured', () => {
  test('is the defaults of the limits unless set', () => {
    expect(rpcLimits(Configuration.empty)).toEqual(defaultLimits);
    expect(heartbeatOptions(Configuration.empty)).toEqual({ intervalMs: 1000, timeoutMs: 6000, failureThreshold: 2 });
    expect(registrationTiming(Configuration.empty)).toEqual({
      initialTimeoutMs: 100,
      maxTimeoutMs: 30_000,
      errorDelayMs: 10_000,
      refusedDelayMs: 30_000,
    });
  });

  test("takes Flink's keys, old ones too", () => {
    const limits = rpcLimits(Configuration.of({ 'akka.framesize': '104857600b', 'pekko.ask.timeout': '1 min' }));
    expect(limits).toMatchObject({ frameBytesMax: 104_857_600, queueBytesMax: 419_430_400, askTimeoutMs: 60_000 });
  });

  test('is refused where it cannot work', () => {
    expect(() => rpcLimits(Configuration.of({ 'pekko.framesize': '1 kb' }))).toThrow(/pekko.framesize is 1024 bytes/);
    expect(() => rpcLimits(Configuration.of({ 'pekko.framesize': '2 gb' }))).toThrow(/allowed: 16384 to 1073741824/);
    expect(() => heartbeatOptions(Configuration.of({ 'heartbeat.interval': '7 s' }))).toThrow(
      /heartbeat.timeout is 6000 ms/,
    );
    expect(() => heartbeatOptions(Configuration.of({ 'heartbeat.interval': '0 s' }))).toThrow(/more than 0/);
  });

  test('binds to the bind port, else to the port', () => {
    const options = {
      host: rpcOptions.jobManagerBindHost,
      bindPort: rpcOptions.jobManagerBindPort,
      port: rpcOptions.jobManagerPort,
    };
    const bound = (values: Record<string, string>) => binding(Configuration.of(values), options);
    expect(bound({})).toMatchObject({ host: '127.0.0.1', ports: { ports: [6123] }, portsKey: 'jobmanager.rpc.port' });
    expect(bound({ 'jobmanager.rpc.port': '7000', 'jobmanager.bind-host': '0.0.0.0' })).toMatchObject({
      host: '0.0.0.0',
      ports: { ports: [7000] },
      portsKey: 'jobmanager.rpc.port',
    });
    expect(bound({ 'jobmanager.rpc.port': '7000', 'jobmanager.rpc.bind-port': '0' })).toMatchObject({
      ports: { ports: [0] },
      portsKey: 'jobmanager.rpc.bind-port',
    });
  });
});

describe('port ranges', () => {
  test("have Flink's syntax", () => {
    expect(parsePortRange('0', 'k').ports).toEqual([0]);
    expect(parsePortRange('50100-50103, 50300 ,50100', 'k').ports).toEqual([50_100, 50_101, 50_102, 50_103, 50_300]);
  });

  test.each(['', 'x', '1-', '-1', '70000', '1-70000', '9-8', '0-5', '1,,2', '1.5'])('refuse %j', (text) => {
    expect(() => parsePortRange(text, 'jobmanager.rpc.port')).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining('jobmanager.rpc.port is') }),
    );
  });
});

describe('addresses', () => {
  test('are read as they are written', () => {
    for (const text of ['host:1', '10.0.0.1:65535', '[::1]:8081', '[fe80::1%eth0]:0']) {
      expect(formatAddress(parseAddress(text))).toBe(text);
    }
  });

  test.each(['', 'host', ':1', 'a:b', 'a:70000', '::1:80', '[x]:1', 'a b:1'])('refuse %j', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
