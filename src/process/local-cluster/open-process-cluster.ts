import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { Configuration } from '../../foundation/config/configuration.ts';
import { logFile, processLogger } from '../process-logger.ts';
import { defaultClusterFolder } from './cluster-folder.ts';
import { ProcessCluster } from './process-cluster.ts';

const PLAIN = { level: 'info', format: 'pretty', secrets: [] } as const;

/** The cluster of this folder, whose processes run this installation. */
export const openProcessCluster = (folder: string | undefined): ProcessCluster =>
  new ProcessCluster({
    folder: folder === undefined ? defaultClusterFolder(process.env) : resolve(folder),
    program: [
      process.execPath,
      ...process.execArgv,
      fileURLToPath(new URL('../../../bin/millrace.js', import.meta.url)),
    ],
    env: process.env,
    clock: systemClock,
    logger: processLogger({
      ...PLAIN,
      process: 'millrace',
      write: (line) => void process.stderr.write(`${line}\n`),
    }),
    supervisorLogger: (path) => {
      const file = logFile(Configuration.of({}), path, 'pretty');
      return processLogger({ ...PLAIN, process: 'supervisor', write: (line) => file.write(line) });
    },
  });
