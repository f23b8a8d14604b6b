import type { OperatorId } from '../foundation/common/ids.ts';
import type { EnumeratorFactory, SourceBehavior } from '../pipeline/connectors/source.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import { OWN_ENUMERATOR } from '../pipeline/connectors/source.ts';
import type { Translation } from '../pipeline/graph/translate.ts';

/** What a source of the user's brings along. */
export const ownEnumeratorOf = ({ nodeOf }: Translation, operatorId: OperatorId): EnumeratorFactory | undefined =>
  (nodeOf.get(operatorId)?.behavior as SourceBehavior | undefined)?.enumerator;

/** Whether a job has user code for the JobManager. */
export const hasOwnEnumerators = ({ vertices }: JobGraph): boolean =>
  vertices.some(({ operators }) => operators.some(({ source }) => source?.enumerator === OWN_ENUMERATOR));
