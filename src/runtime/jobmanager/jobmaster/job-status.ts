/** Flink's names. */
export type JobStatus =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED'
  | 'RESTARTING'
  | 'SUSPENDED'
  | 'RECONCILING';

/** What can happen to a job as a whole. */
export type JobSignal =
  /** Stores are read, the restore fits, slots are there. */
  | 'initialized'
  /** A new leader found tasks that may still run. */
  | 'reconcile'
  /** The first generation starts, or all regions are accounted for after a reconcile. */
  | 'started'
  /** A region failed and will be started again. */
  | 'restart'
  /** Every region runs again. */
  | 'restarted'
  /** A failure that nothing restarts. */
  | 'fail'
  | 'cancel'
  /** Every attempt has confirmed its end. */
  | 'all-ended'
  /** Every subtask reported FINISHED. */
  | 'all-finished'
  /** This process leads no more: it leaves the tasks alone. */
  | 'suspend';

/** A terminal state in itself: the job never runs again. */
export const isGloballyTerminal = (status: JobStatus): status is 'FAILED' | 'CANCELED' | 'FINISHED' =>
  status === 'FAILED' || status === 'CANCELED' || status === 'FINISHED';

/** Nothing more happens in this JobMaster. */
export const isTerminal = (status: JobStatus): boolean => isGloballyTerminal(status) || status === 'SUSPENDED';

type Transitions = Readonly<Record<JobSignal, JobStatus | undefined>>;

const STAY: Transitions = {
  initialized: undefined,
  reconcile: undefined,
  started: undefined,
  restart: undefined,
  restarted: undefined,
  fail: undefined,
  cancel: undefined,
  'all-ended': undefined,
  'all-finished': undefined,
  suspend: undefined,
};

const GOING_ON: Transitions = { ...STAY, fail: 'FAILING', cancel: 'CANCELLING', suspend: 'SUSPENDED' };

/** `undefined`: the signal changes nothing in that state. */
const TRANSITIONS: Readonly<Record<JobStatus, Transitions>> = {
  INITIALIZING: {
    ...STAY,
    initialized: 'CREATED',
    reconcile: 'RECONCILING',
    fail: 'FAILED',
    cancel: 'CANCELED',
    suspend: 'SUSPENDED',
  },
  RECONCILING: { ...GOING_ON, started: 'RUNNING', restart: 'RESTARTING', 'all-finished': 'FINISHED' },
  CREATED: { ...GOING_ON, started: 'RUNNING' },
  RUNNING: { ...GOING_ON, restart: 'RESTARTING', 'all-finished': 'FINISHED' },
  RESTARTING: { ...GOING_ON, restarted: 'RUNNING' },
  FAILING: { ...STAY, cancel: 'CANCELLING', 'all-ended': 'FAILED', suspend: 'SUSPENDED' },
  CANCELLING: { ...STAY, 'all-ended': 'CANCELED', suspend: 'SUSPENDED' },
  FAILED: STAY,
  CANCELED: STAY,
  FINISHED: STAY,
  SUSPENDED: STAY,
};

export const nextStatus = (status: JobStatus, signal: JobSignal): JobStatus | undefined => TRANSITIONS[status][signal];

/** What a job is whose result is not written: it has not ended yet (R9), the next leader may find it at work. */
export const withoutResult = (status: JobStatus): JobStatus => {
  switch (status) {
    case 'FINISHED':
      return 'RUNNING';
    case 'CANCELED':
      return 'CANCELLING';
    case 'FAILED':
      return 'FAILING';
    default:
      return status;
  }
};
