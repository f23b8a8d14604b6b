/** A state that no seed of a run reached fails the run: nothing was tested there. */
export const RARE_STATES = [
  'pointer undecided',
  'task failed while undecided',
  'metadata refused',
  'declined',
  'part of the job restarted',
  'region started only to commit',
  'started only to commit after a stop',
  'task between triggered directly',
  'report delivered twice',
  'id refused',
  'enumerator died',
  'enumerator silent',
  'leader changed while undecided',
  'leader changed while restarting',
  'went on without a leader',
  'finished before a leader came',
] as const;
export type RareState = (typeof RARE_STATES)[number];

/** Those that a line of the log tells. */
export const RARE_LINES: readonly (readonly [RegExp, RareState])[] = [
  [/is undecided/, 'pointer undecided'],
  [/metadata could not be written/, 'metadata refused'],
  [/ declined: /, 'declined'],
  [/There is no checkpoint id/, 'id refused'],
  [/went on without a leader/, 'went on without a leader'],
  [/had finished, as the newest checkpoint says/, 'finished before a leader came'],
];
