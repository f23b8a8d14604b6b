import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { Configuration } from '../../foundation/config/configuration.ts';
import { openProcessOutput, processLogger } from '../process-logger.ts';
import { defaultClusterFolder } from './cluster-folder.ts';
import { ProcessCluster } from './process-cluster.ts';

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
    leaderSession: async (settings) => {
      const { findLeaderInformation } = await import('../find-leader.ts');
      const leader = await findLeaderInformation(Configuration.of(settings, 'millrace cluster start'));
      return leader?.leadership.sessionId;
    },
    clock: systemClock,
    logger: processLogger({
      level: 'info',
      format: 'pretty',
      secrets: [],
      process: 'millrace',
      write: (line) => void process.stderr.write(`${line}\n`),
    }),
    supervisorLogger: (configuration) => openProcessOutput(configuration, 'supervisor').logger,
  });
