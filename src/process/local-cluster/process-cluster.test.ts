import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Configuration } from '../../foundation/config/configuration.ts';
import { ClusterFolder } from './cluster-folder.ts';
import { cleanUp, cleanUps, makeCluster as make, named, sight, until } from './test-support/made-cluster.ts';
import { processIdentity } from './process-identity.ts';

afterEach(cleanUp);

describe('a cluster on this machine', () => {
  test('starts JobManagers and TaskManagers, and stops in reverse', async () => {
    const { cluster, start, events } = await make();
    await start();
    const processes = await cluster.processes();
    expect(processes.map(({ name, isAlive }) => [name, isAlive])).toEqual([
      ['jobmanager-1', true],
      ['jobmanager-2', true],
      ['taskmanager-1', true],
      ['taskmanager-2', true],
    ]);
    expect(new Set(processes.map(({ restPort }) => restPort)).size, 'a port for each JobManager').toBe(3);
    expect((await events()).toSorted()).toEqual(processes.map(({ name }) => `${name} started`));
    expect(await cluster.stop()).toBe(true);
    expect((await events()).slice(4).map((event) => event.replace(/-\d/, ''))).toEqual([
      'taskmanager ended',
      'taskmanager ended',
      'jobmanager ended',
      'jobmanager ended',
    ]);
    expect(processes.filter(({ pid }) => processIdentity(pid) !== undefined)).toEqual([]);
    expect(await cluster.processes()).toEqual([]);
    expect(await readdir(cluster.folder)).toEqual(['logs']);
    expect(await cluster.stop(), 'there is nothing to stop').toBe(false);
  });

  test('without an HA store TaskManagers are started when a JobManager leads', async () => {
    const { start, events } = await make();
    await start({
      jobManagers: 1,
      configuration: Configuration.of({ 'rest.bind-port': 0, 'high-availability.type': 'none' }, '-D'),
      look: async () => {
        const started = await events();
        return started.includes('jobmanager-1 started') ? sight(started.length - 1) : undefined;
      },
    });
    expect((await events())[0]).toBe('jobmanager-1 started');
  });

  test('is not started where another one leads in its HA store; an address that is old says nothing', async () => {
    const other = await make({}, { leaderSession: () => Promise.resolve('a session') });
    const refused = other.start({ look: () => Promise.resolve(sight(2)) });
    await expect(refused).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await expect(refused).rejects.toThrow(
      /another cluster runs on this HA store .*storageDir.*cluster-id.*127.0.0.1:8081/,
    );
    expect([await other.events(), await other.cluster.settings(), await other.cluster.processes()]).toEqual([
      [],
      undefined,
      [],
    ]);

    const old = await make({}, { leaderSession: () => Promise.resolve('an earlier session') });
    await old.start();
    expect((await old.cluster.processes()).length).toBe(4);
  });

  test('ends what it has started when it turns out that another one leads', async () => {
    let isLed = false;
    const { cluster, start, events } = await make({}, { leaderSession: () => Promise.resolve('a session') });
    const refused = start({
      look: async () => {
        isLed ||= (await events()).length > 0;
        return isLed ? sight(0) : undefined;
      },
    });
    await expect(refused).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    expect(await cluster.processes()).toEqual([]);
  });

  test('agrees through a folder of its own unless another way is named', async () => {
    const { cluster, start } = await make();
    await start();
    expect(await cluster.settings()).toEqual({
      'high-availability.type': 'embedded',
      'high-availability.storageDir': join(cluster.folder, 'storage'),
    });
    const [record] = await new ClusterFolder(cluster.folder).records();
    expect(record?.args).toContain(`high-availability.storageDir=${join(cluster.folder, 'storage')}`);
  });

  test('shows secrets in no list of processes', async () => {
    const { cluster, start } = await make();
    await start({
      configuration: Configuration.of({ 'rest.bind-port': 0, 'security.rest.auth-token': 'do-not-show' }, '-D'),
    });
    for (const record of await new ClusterFolder(cluster.folder).records()) {
      expect(JSON.stringify(record)).not.toContain('do-not-show');
    }
    const { pid } = await named(cluster, 'jobmanager-1');
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).not.toContain('do-not-show');
  });

  test('is not started twice, nor with JobManagers that could not agree', async () => {
    const { cluster, start } = await make();
    const configuration = Configuration.of({ 'high-availability.type': 'none', 'rest.bind-port': 0 }, '-D');
    await expect(start({ configuration })).rejects.toThrow(/they could not agree who leads/);
    await start();
    const before = await cluster.processes();
    await expect(start()).rejects.toThrow(
      /is started already: jobmanager-1 \(pid \d+\), .*"millrace cluster stop" ends it/,
    );
    expect(await cluster.processes()).toEqual(before);
  });

  test('starts again in a folder whose processes were all killed', async () => {
    const { cluster, start } = await make();
    await start();
    const before = await cluster.processes();
    before.forEach(({ pid }) => process.kill(pid, 'SIGKILL'));
    await until(async () => ((await cluster.processes()).some(({ isAlive }) => isAlive) ? undefined : true));
    await start();
    expect((await cluster.processes()).map(({ name, isAlive }) => [name, isAlive])).toEqual(
      before.map(({ name }) => [name, true]),
    );
  });

  test('says why a process did not start, and leaves none behind', async () => {
    const { cluster, start, events } = await make({ STAND_IN_DIES: 'taskmanager-2' });
    await expect(start()).rejects.toThrow(/taskmanager-2 ended at its start.*\nthe reason of its death/);
    expect(await cluster.processes()).toEqual([]);
    const all = await events();
    expect(all.filter((event) => event.endsWith('ended')).length).toBe(
      all.filter((event) => event.endsWith('started')).length,
    );
  });

  test('that cannot write its logs says so, and where they were to go', async () => {
    const { cluster, start, folder } = await make();
    const file = join(folder, 'in-the-way');
    await writeFile(file, '');
    const configuration = Configuration.of({ 'rest.bind-port': 0, 'env.log.dir': file }, '-D');
    await expect(start({ configuration })).rejects.toThrow(
      /the log folder .*in-the-way .*; env\.log\.dir names another one/,
    );
    expect(await cluster.processes()).toEqual([]);
  });

  test('shows a dead process as dead, which stays dead without a supervisor', async () => {
    const { cluster, start } = await make();
    await start();
    const { pid } = await named(cluster, 'taskmanager-1');
    process.kill(pid, 'SIGKILL');
    await until(async () => ((await named(cluster, 'taskmanager-1')).isAlive ? undefined : true));
    expect(await named(cluster, 'taskmanager-1')).toMatchObject({ pid, isAlive: false, restarts: 0 });
    expect((await named(cluster, 'taskmanager-2')).isAlive).toBe(true);
  });

  test('starts all that died again when it is told to, and says why one does not start', async () => {
    const { cluster, start } = await make();
    await start();
    const nothing = Configuration.of({});
    expect(await cluster.startDead(nothing, () => Promise.reject(new Error('nobody needs to look')))).toEqual([]);
    for (const name of ['jobmanager-1', 'taskmanager-2']) {
      process.kill((await named(cluster, name)).pid, 'SIGKILL');
      await until(async () => ((await named(cluster, name)).isAlive ? undefined : true));
    }
    expect(await cluster.startDead(nothing, () => Promise.resolve(true))).toEqual(['jobmanager-1', 'taskmanager-2']);
    expect((await cluster.processes()).map(({ name, isAlive, restarts }) => [name, isAlive, restarts])).toEqual(
      expect.arrayContaining([
        ['jobmanager-1', true, 1],
        ['taskmanager-1', true, 0],
        ['taskmanager-2', true, 1],
      ]),
    );
  });

  test('starts dead processes again where it is supervised', async () => {
    const { cluster, start } = await make();
    await start({ isSupervised: true });
    for (const [name, restarts] of [
      ['taskmanager-2', 1],
      ['jobmanager-1', 1],
      ['taskmanager-2', 2],
    ] as const) {
      const { pid, restPort } = await named(cluster, name);
      process.kill(pid, 'SIGKILL');
      const next = await until(async () => {
        const found = await named(cluster, name);
        return found.pid !== pid && found.isAlive ? found : undefined;
      });
      expect(next).toMatchObject({ restarts, restPort });
    }
    expect(await cluster.stop()).toBe(true);
    expect(await cluster.processes()).toEqual([]);
  });

  test('ends a process that does not hear', async () => {
    const { cluster, start } = await make({ STAND_IN_DEAF: 'taskmanager-1' }, { stopMs: 200 });
    await start();
    const { pid } = await named(cluster, 'taskmanager-1');
    await cluster.stop();
    expect(processIdentity(pid)).toBeUndefined();
  });

  test('ends a process that is paused', async () => {
    const { cluster, start } = await make();
    await start();
    process.kill((await named(cluster, 'jobmanager-2')).pid, 'SIGSTOP');
    expect(await cluster.stop()).toBe(true);
    expect(await cluster.processes()).toEqual([]);
  });

  test('signals a process by name and number, and starts again what died as it was started', async () => {
    const { cluster, start, events } = await make();
    await start();
    const before = await named(cluster, 'taskmanager-1');
    await expect(cluster.startAgain('taskmanager-1', {})).rejects.toThrow(/taskmanager-1 runs already/);
    expect(await cluster.signal({ name: 'taskmanager-1', pid: before.pid + 1 }, 'SIGKILL')).toBe(false);
    expect(await cluster.signal(before, 'SIGKILL')).toBe(true);
    await until(async () => ((await named(cluster, 'taskmanager-1')).isAlive ? undefined : true));
    expect(await cluster.signal(before, 'SIGKILL'), 'it is gone').toBe(false);
    await cluster.startAgain('taskmanager-1', {});
    expect(await named(cluster, 'taskmanager-1')).toMatchObject({ isAlive: true, restarts: 1, log: before.log });
    await until(async () =>
      (await events()).filter((event) => event === 'taskmanager-1 started').length === 2 ? true : undefined,
    );
    await expect(cluster.startAgain('taskmanager-9', {})).rejects.toThrow(/is no process of the cluster/);
  });

  test('never touches a process that has the number of one that it started', async () => {
    const { cluster, start } = await make();
    await start();
    const stranger: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    await once(stranger, 'spawn');
    cleanUps.push(() => {
      stranger.kill('SIGKILL');
      return once(stranger, 'exit');
    });
    const folder = new ClusterFolder(cluster.folder);
    const record = (await folder.records()).find(({ name }) => name === 'taskmanager-1')!;
    cleanUps.push(() => Promise.resolve(process.kill(record.pid, 'SIGKILL')));
    await folder.write({ ...record, pid: stranger.pid! });
    expect((await named(cluster, 'taskmanager-1')).isAlive).toBe(false);
    expect(await cluster.signal({ name: 'taskmanager-1', pid: stranger.pid! }, 'SIGKILL')).toBe(false);
    await cluster.stop();
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(processIdentity(stranger.pid!)).toBeDefined();
  });
});
