import { createHash } from 'node:crypto';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { OperatorId } from '../../foundation/common/ids.ts';
import type { StreamGraph, StreamNode } from './stream-graph.ts';

const shortHash = (text: string): OperatorId =>
  createHash('sha256').update(text).digest('hex').slice(0, 32) as OperatorId;

/**
 * The ids that state is found by after a change of the job. With a `uid` the id depends on that alone. Without one it
 * depends on the operator's kind and what feeds it, and on its rank among those that look the same: adding an unrelated
 * branch moves nothing.
 *
 * @throws BAD_JOB when two operators have the same uid.
 */
export const assignOperatorIds = (graph: StreamGraph): ReadonlyMap<StreamNode, OperatorId> => {
  const ids = new Map<StreamNode, OperatorId>();
  const ranks = new Map<string, number>();
  const ownerOfUid = new Map<string, StreamNode>();
  for (const node of graph.nodes) {
    if (node.uid !== undefined) {
      const other = ownerOfUid.get(node.uid);
      if (other !== undefined) {
        throw new MillraceError(
          'BAD_JOB',
          `uid '${node.uid}' is used by operator '${other.name}' and by operator '${node.name}'; ` +
            'state is found by uid, so each needs its own',
        );
      }
      ownerOfUid.set(node.uid, node);
      ids.set(node, shortHash(`uid|${node.uid}`));
      continue;
    }
    const inputs = node.inputs.map((edge) => `${ids.get(edge.from)}:${edge.sideOutput ?? ''}`).sort();
    const signature = `auto|${node.operator}|${inputs.join(',')}`;
    const rank = ranks.get(signature) ?? 0;
    ranks.set(signature, rank + 1);
    ids.set(node, shortHash(`${signature}|${rank}`));
  }
  return ids;
};
