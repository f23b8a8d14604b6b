import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findingsOf } from '../../../src/foundation/config/check/all-findings.ts';
import type { Finding } from '../../../src/foundation/config/check/finding.ts';
import { Configuration } from '../../../src/foundation/config/configuration.ts';
import { gatherFacts } from '../../../src/process/config-check/gather-facts.ts';
import { Ensemble, fourLetters } from './ensemble.ts';
import { eventually } from './eventually.ts';

/** Ticks of 200 ms: sessions from 500 ms to 4 s. */
let open: Ensemble;
/** One server, which does not answer conf, as ZooKeeper unless told otherwise. */
let shut: Ensemble;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-check-'));
  open = await Ensemble.start();
  shut = await Ensemble.start({ servers: 1, config: ['4lw.commands.whitelist=srvr,dump'] });
}, 120_000);

afterAll(async () => {
  await open?.stop();
  await shut?.stop();
  rmSync(folder, { recursive: true });
});

const check = async (quorum: string, sessionTimeout: string): Promise<readonly Finding[]> => {
  const configuration = Configuration.of({
    'high-availability.type': 'zookeeper',
    'high-availability.storageDir': '/shared/ha',
    'high-availability.zookeeper.quorum': quorum,
    'high-availability.zookeeper.client.session-timeout': sessionTimeout,
    'execution.checkpointing.interval': '10 s',
  });
  const request = { configuration, file: join(folder, 'config.yaml'), manifests: [], asksServers: true };
  const findings = findingsOf(await gatherFacts(request));
  return findings.filter(({ code }) => code !== 'KEY_WITHOUT_EFFECT');
};

const codesOf = async (quorum: string, sessionTimeout: string): Promise<readonly string[]> =>
  (await check(quorum, sessionTimeout)).map(({ code }) => code);

test('of an ensemble that grants what is asked for nothing is said', async () => {
  expect(await codesOf(open.connectString, '4 s')).toEqual([]);
});

test('a session timeout beyond its ticks is found', async () => {
  const [finding, ...others] = await check(open.connectString, '10 s');
  expect(finding?.code).toBe('SESSION_TIMEOUT_TOO_LONG');
  expect(finding?.message).toContain('grants no more than 4 s');
  expect(others).toEqual([]);
  expect(await codesOf(open.connectString, '200 ms')).toEqual([
    'SESSION_TIMEOUT_TOO_SHORT',
    'SYNC_LIMIT_ABOVE_SESSION_TIMEOUT',
  ]);
});

test('a syncLimit that is longer than a session is found', async () => {
  expect(await codesOf(open.connectString, '900 ms')).toEqual(['SYNC_LIMIT_ABOVE_SESSION_TIMEOUT']);
  expect(await codesOf(open.connectString, '1 s')).toEqual([]);
});

test('one name of an ensemble is no single server', async () => {
  expect(await codesOf(`127.0.0.1:${open.portOf(0)}`, '4 s')).toEqual([]);
});

test('a server that does not say its settings is asked for a session, which does not stay', async () => {
  const findings = await check(shut.connectString, '10 s');
  expect(findings.map(({ code }) => code)).toEqual([
    'ZOOKEEPER_ONE_SERVER',
    'SESSION_TIMEOUT_TOO_LONG',
    'ZOOKEEPER_NOT_ASKED',
  ]);
  expect(findings[1]?.message).toContain('grants no more than 4 s');
  expect(findings[2]?.wayOut).toContain('4lw.commands.whitelist=srvr,conf');
  // Sooner than it would expire; before that its line is below one of the sets.
  let dump = '';
  await eventually(
    'the session is closed',
    async () => {
      dump = await fourLetters(shut.portOf(0), 'dump');
      return /Session Sets/.test(dump) && !/^\s+0x[0-9a-f]+$/m.test(dump);
    },
    { timeoutMs: 2_000, explain: () => dump },
  );
});

test('a server that is paused is named, and nobody waits for it', async () => {
  open.pause(2);
  try {
    const findings = await check(open.connectString, '4 s');
    expect(findings.map(({ code, level }) => [code, level])).toEqual([['ZOOKEEPER_NOT_ASKED', 'hint']]);
    expect(findings[0]?.message).toContain(
      `ZooKeeper (127.0.0.1:${open.portOf(2)}) could not be asked: it does not answer`,
    );
  } finally {
    open.resume(2);
  }
});
