import { enumType, listType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

/** State backend, folders and logs of a process. */
export const processOptions = {
  stateBackend: option(enumType(['hashmap'], { heap: 'hashmap', jobmanager: 'hashmap', filesystem: 'hashmap' }), {
    key: 'state.backend.type',
    deprecatedKeys: ['state.backend'],
    default: 'hashmap',
    description: 'Where keyed state lives while a job runs: `hashmap` keeps it in memory.',
  }),
  temporaryFolders: option(listType, {
    key: 'io.tmp.dirs',
    deprecatedKeys: ['taskmanager.tmp.dirs'],
    defaultText: "the system's folder for temporary files",
    description: 'Folders for files that need not survive the process.',
  }),
  workingFolder: option(stringType, {
    key: 'process.working-dir',
    defaultText: 'the first of `io.tmp.dirs`',
    description: 'Folder for files that a process finds again after a restart.',
  }),
  logFolder: option(stringType, {
    key: 'env.log.dir',
    description: 'Folder of the log files of processes that run in the background.',
  }),
};
