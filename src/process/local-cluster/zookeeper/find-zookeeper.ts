import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { MillraceError } from '../../../foundation/common/errors.ts';

/** How a server of Apache ZooKeeper is started. */
export interface ZooKeeperProgram {
  /** The `java` command. */
  readonly java: string;
  readonly classPath: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEBIAN_JARS = '/usr/share/java';
const DEBIAN_NEEDS: readonly string[] = ['zookeeper', 'slf4j-log4j12', 'log4j-1.2'].map((name) => `${name}.jar`);
const INSTALL = 'apt-get install -y --no-install-recommends libzookeeper-java default-jre-headless';
const RELEASE_JAR = /^zookeeper-\d.*\.jar$/;

/**
 * The release in `ZOOKEEPER_HOME`, else Debian's package; Java of `JAVA_HOME`, else of `PATH`. `debianJars`: where its packages put jars.
 * Errors: UNSUPPORTED with the command that installs what is missing.
 */
export const findZooKeeper = (env: Environment, debianJars = DEBIAN_JARS): ZooKeeperProgram => {
  const java = findJava(env);
  const classPath = findJars(env, debianJars);
  if (java === undefined || classPath === undefined) {
    const missing = [
      ...(java === undefined ? ['Java (neither JAVA_HOME nor PATH has a java command)'] : []),
      ...(classPath === undefined
        ? [`ZooKeeper (ZOOKEEPER_HOME is not set, ${debianJars} has not all of its jars)`]
        : []),
    ];
    throw new MillraceError(
      'UNSUPPORTED',
      `--zookeeper starts servers of Apache ZooKeeper, and this machine lacks ${missing.join(' and ')}. On Debian and Ubuntu: ` +
        `${INSTALL}; elsewhere unpack a release of ZooKeeper, name its folder with ZOOKEEPER_HOME, and install a Java runtime`,
    );
  }
  return { java, classPath };
};

const findJava = ({ JAVA_HOME: home, PATH: path = '' }: Environment): string | undefined =>
  [
    ...(home === undefined || home === '' ? [] : [join(home, 'bin')]),
    ...path.split(delimiter).filter((folder) => isAbsolute(folder)),
  ]
    .map((folder) => join(folder, 'java'))
    .find(isProgram);

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

const findJars = ({ ZOOKEEPER_HOME: home }: Environment, debianJars: string): readonly string[] | undefined => {
  if (home !== undefined && home !== '') {
    return releaseJars(home);
  }
  const jars = DEBIAN_NEEDS.map((name) => join(debianJars, name));
  // What else it needs is named in its manifest.
  return jars.every((path) => existsSync(path)) ? jars : undefined;
};

/** All jars of a release are in `lib`; before 3.5 its own was beside that. */
const releaseJars = (home: string): readonly string[] => {
  const own = [join(home, 'lib'), home].find((folder) => jarsOf(folder).some((name) => RELEASE_JAR.test(name)));
  if (own === undefined) {
    throw new MillraceError(
      'UNSUPPORTED',
      `ZOOKEEPER_HOME is ${home}, and neither that folder nor its lib has a zookeeper-<version>.jar; name the folder of an unpacked ` +
        'release (apache-zookeeper-<version>-bin.tar.gz), or unset it where a package has installed ZooKeeper',
    );
  }
  return [...new Set([join(home, 'lib'), own])].map((folder) => join(folder, '*'));
};

const jarsOf = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.jar'));
  } catch {
    return [];
  }
};
