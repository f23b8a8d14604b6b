import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Configuration } from '../../foundation/config/configuration.ts';
import { ClusterFolder } from './cluster-folder.ts';
import { cleanUp, makeCluster as make, named } from './test-support/made-cluster.ts';

afterEach(cleanUp);

describe('a cluster on this machine', () => {
  test('takes more TaskManagers, started as its others and under numbers of their own', async () => {
    const { cluster, start, events } = await make();
    await expect(
      cluster.addTaskManagers({
        count: 1,
        configuration: Configuration.of({}),
        areRegistered: () => Promise.resolve(true),
      }),
    ).rejects.toThrow(/no cluster is started in .*"millrace cluster start"/);
    await start({
      configuration: Configuration.of({ 'rest.bind-port': 0, 'taskmanager.numberOfTaskSlots': 2 }, '-D'),
      isInsecure: true,
    });
    const added = await cluster.addTaskManagers({
      count: 2,
      configuration: Configuration.of(
        { 'taskmanager.numberOfTaskSlots': 3, 'security.rest.auth-token': 'do-not-show' },
        '-D',
      ),
      areRegistered: async (names) => {
        const said = await events();
        return names.every((name) => said.includes(`${name} started`));
      },
    });
    expect(added).toEqual(['taskmanager-3', 'taskmanager-4']);
    expect(await named(cluster, 'taskmanager-4')).toMatchObject({ kind: 'taskmanager', isAlive: true });
    const records = await new ClusterFolder(cluster.folder).records();
    const args = records.find(({ name }) => name === 'taskmanager-3')?.args ?? [];
    expect(args.filter((arg) => arg.startsWith('taskmanager.numberOfTaskSlots'))).toEqual([
      'taskmanager.numberOfTaskSlots=2',
      'taskmanager.numberOfTaskSlots=3',
    ]);
    expect(args).toContain(`high-availability.storageDir=${join(cluster.folder, 'storage')}`);
    expect(args.join(' ')).not.toMatch(/insecure|do-not-show/);
    await cluster.stop();
    expect(await cluster.processes()).toEqual([]);
  });

  test('gives TaskManagers that are added by several commands at once names of their own', async () => {
    const { cluster, events, start } = await make();
    await start();
    const add = (): Promise<readonly string[]> =>
      cluster.addTaskManagers({
        count: 2,
        configuration: Configuration.of({}),
        areRegistered: async (names) => {
          const said = await events();
          return names.every((name) => said.includes(`${name} started`));
        },
      });
    const added = (await Promise.all([add(), add(), add()])).flat();
    expect(added.toSorted()).toEqual([3, 4, 5, 6, 7, 8].map((number) => `taskmanager-${number}`));
    expect((await cluster.processes()).every(({ isAlive }) => isAlive)).toBe(true);
    expect((await readdir(cluster.folder)).filter((name) => name.endsWith('.claim'))).toEqual([]);
    // As a command leaves it that was killed.
    await writeFile(join(cluster.folder, 'taskmanager-9.claim'), '');
    expect(await add()).toEqual(['taskmanager-10', 'taskmanager-11']);
    await cluster.stop();
    expect(await readdir(cluster.folder)).toEqual(['logs']);
  });

  test('says why an added TaskManager did not start, and goes on without', async () => {
    const { cluster, start } = await make({ STAND_IN_DIES: 'taskmanager-3' });
    await start();
    const before = await cluster.processes();
    await expect(
      cluster.addTaskManagers({
        count: 1,
        configuration: Configuration.of({}),
        areRegistered: () => Promise.resolve(false),
      }),
    ).rejects.toThrow(/taskmanager-3 ended at its start.*\nthe reason of its death/);
    expect(await cluster.processes()).toEqual(before);
  });
});
