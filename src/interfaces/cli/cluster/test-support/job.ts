/** Bundled and submitted by tests; a fake cluster takes it, so that nobody runs it. */
export const submitted = 'a job';
