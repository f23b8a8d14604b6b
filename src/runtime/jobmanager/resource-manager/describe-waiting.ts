import { slotsText } from '../scheduler/slots-text.ts';
import type { WaitingJob } from './slot-pool.ts';

/** What keeps a job waiting, and the way out. */
export const describeWaiting = ({ requested, missing }: WaitingJob): string =>
  missing === 0
    ? `it needs ${slotsText(requested)} and is behind other jobs`
    : `it needs ${slotsText(requested)}, ${missing} more than are free; start more TaskManagers (millrace cluster add, or millrace taskmanager)`;
