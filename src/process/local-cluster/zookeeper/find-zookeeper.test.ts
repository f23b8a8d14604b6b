import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findZooKeeper } from './find-zookeeper.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-zookeeper-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const make = async (name: string, mode = 0o644): Promise<string> => {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '');
  await chmod(path, mode);
  return path;
};

const debian = async (): Promise<string> => {
  for (const jar of ['zookeeper', 'slf4j-log4j12', 'log4j-1.2']) {
    await make(`debian/${jar}.jar`);
  }
  return join(folder, 'debian');
};

test("Debian's package, and Java of PATH", async () => {
  const java = await make('bin/java', 0o755);
  const jars = await debian();
  expect(findZooKeeper({ PATH: `/nowhere:.:${dirname(java)}` }, jars)).toEqual({
    java,
    classPath: ['zookeeper', 'slf4j-log4j12', 'log4j-1.2'].map((name) => join(jars, `${name}.jar`)),
  });
});

test('a release counts over the package, JAVA_HOME over PATH', async () => {
  const java = await make('jdk/bin/java', 0o755);
  const other = await make('bin/java', 0o755);
  await make('release/lib/zookeeper-3.9.3.jar');
  const env = { ZOOKEEPER_HOME: join(folder, 'release'), JAVA_HOME: join(folder, 'jdk'), PATH: dirname(other) };
  expect(findZooKeeper(env, await debian())).toEqual({ java, classPath: [join(folder, 'release/lib/*')] });
});

test('a release of old has its own jar beside lib', async () => {
  const java = await make('bin/java', 0o755);
  await make('release/lib/log4j-1.2.17.jar');
  await make('release/zookeeper-3.4.14.jar');
  const { classPath } = findZooKeeper({ ZOOKEEPER_HOME: join(folder, 'release'), PATH: dirname(java) }, folder);
  expect(classPath).toEqual([join(folder, 'release/lib/*'), join(folder, 'release/*')]);
});

test('says what is missing, and what installs it', async () => {
  const java = await make('bin/java', 0o755);
  const install = 'apt-get install -y --no-install-recommends libzookeeper-java default-jre-headless';
  const messageFor = (env: Record<string, string>, jars: string): string => {
    try {
      findZooKeeper(env, jars);
      return 'nothing';
    } catch (error) {
      expect(error).toMatchObject({ code: 'UNSUPPORTED' });
      return (error as Error).message;
    }
  };
  const nothing = messageFor({ ZOOKEEPER_HOME: '', JAVA_HOME: '' }, folder);
  expect(nothing).toMatch(/lacks Java .* and ZooKeeper /);
  expect(nothing).toContain(install);
  const noJava = messageFor({}, await debian());
  expect(noJava).toMatch(/lacks Java [^.]*\. On Debian/);
  const noJars = messageFor({ PATH: dirname(java) }, folder);
  expect(noJars).toMatch(/lacks ZooKeeper [^.]*\. On Debian/);
  await chmod(java, 0o644);
  expect(messageFor({ PATH: dirname(java) }, join(folder, 'debian')), 'which cannot be run').toMatch(/lacks Java/);
  expect(messageFor({ ZOOKEEPER_HOME: folder, PATH: '' }, folder)).toMatch(
    /ZOOKEEPER_HOME is .* zookeeper-<version>\.jar/,
  );
});
