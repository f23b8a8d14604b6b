import type { LeafKind, ShapeNode } from './shape.ts';

/**
 * The columns of a shape. Encoder and decoder make the same plan from the same shape: it is part of the format.
 *
 * A group is a set of columns with one row count: the root, what is inside of a nullable object or tuple (a row for
 * each that is there), what is inside of a list (a row for each element).
 */
export interface ShapePlan {
  readonly root: PlanNode;
  /** In the order of a walk from the root, fields in order: the order in a batch. */
  readonly columns: readonly Column[];
  readonly groupCount: number;
}

export type ColumnKind = LeafKind | 'presence' | 'length';

export interface Column {
  readonly index: number;
  readonly kind: ColumnKind;
  readonly group: number;
  /** For `presence` and `length`: the group of what is inside. */
  readonly childGroup: number;
}

export interface PlanNode {
  readonly kind: ShapeNode['kind'];
  /** Of a leaf, a list or a nullable object or tuple. */
  readonly column: Column | undefined;
  /** The group of what is inside. */
  readonly inner: number;
  readonly names: readonly string[];
  readonly items: readonly PlanNode[];
}

/** Shapes with more columns are not worth the code. */
export const MOST_COLUMNS = 256;
const MOST_ROWS = 1_048_576;
const MOST_CELLS = 16_777_216;

/** Rows that a group may have in one batch, so that corrupt bytes cannot ask for any amount of memory. */
export const mostRows = (plan: ShapePlan): number =>
  Math.min(MOST_ROWS, Math.floor(MOST_CELLS / Math.max(1, plan.columns.length)));

/** Undefined for a shape with too many columns. */
export const planShape = (shape: ShapeNode): ShapePlan | undefined => {
  const columns: Column[] = [];
  let groupCount = 1;
  const column = (kind: ColumnKind, group: number, childGroup: number): Column => {
    const made = { index: columns.length, kind, group, childGroup };
    columns.push(made);
    return made;
  };
  const plan = (node: ShapeNode, group: number): PlanNode => {
    switch (node.kind) {
      case 'object':
      case 'tuple': {
        const inner = node.nullable ? groupCount++ : group;
        const presence = node.nullable ? column('presence', group, inner) : undefined;
        const names = node.kind === 'object' ? node.names : [];
        const items = node.items.map((item) => plan(item, inner));
        return { kind: node.kind, column: presence, inner, names, items };
      }
      case 'list': {
        const inner = groupCount++;
        const length = column('length', group, inner);
        return { kind: 'list', column: length, inner, names: [], items: [plan(node.item, inner)] };
      }
      default:
        return { kind: node.kind, column: column(node.kind, group, group), inner: group, names: [], items: [] };
    }
  };
  const root = plan(shape, 0);
  return columns.length > MOST_COLUMNS ? undefined : { root, columns, groupCount };
};
