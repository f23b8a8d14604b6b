import { booleanType, enumType, integerType, listType, memoryType, stringType } from '../option-type.ts';
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
    defaultText: 'with `millrace cluster start` the folder `logs` of the cluster',
    description:
      'Folder of the log files: each process writes `<its resource id>.log` there, or `<role>-<host>-<n>.log` if it was given none, ' +
      'beside what it writes to its output. ' +
      'Without it there is only the output.',
  }),
  logLevel: option(
    enumType(['debug', 'info', 'warn', 'error', 'off'], { all: 'debug', trace: 'debug', fatal: 'error' }),
    {
      key: 'env.log.level',
      default: 'info',
      description: 'What is logged: this and what is graver. With `debug` errors come with their stack traces.',
    },
  ),
  logFormat: option(enumType(['pretty', 'json']), {
    key: 'env.log.format',
    default: 'pretty',
    description: 'Lines for people, or one JSON object a line for what collects logs.',
    isFlink: false,
  }),
  logMaxFiles: option(integerType({ min: 0, max: 1_000 }), {
    key: 'env.log.max',
    default: '10',
    description: 'Old log files that are kept, as `<name>.log.1` (the newest) and so on.',
  }),
  logMaxSize: option(memoryType, {
    key: 'env.log.max-size',
    default: '100 mb',
    description: 'A log file that would become larger is put aside, and a new one begins.',
    isFlink: false,
  }),
  logFileOnly: option(booleanType, {
    key: 'env.stdout-err.redirect-to-file',
    default: 'false',
    description: 'Where there are log files: write what is logged and printed to them alone, nothing to stdout.',
  }),
};
