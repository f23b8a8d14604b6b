import type { Downstream } from '../../../pipeline/operators/operator.ts';
import { NO_TIMESTAMP } from '../../../pipeline/operators/operator.ts';
import { attributeTo } from './operator-failure.ts';

/** What stands in front of each operator of a chain: counts, and gives errors the operator's name. */
export interface ChainLink extends Downstream<unknown> {
  /** Records that went in. */
  readonly count: number;
  /** A whole batch; `timestamps` is undefined where no record has one. */
  processBatch(values: readonly unknown[], timestamps: ArrayLike<number> | undefined, count: number): void;
}

/** Whose code runs, for lines of `console.log`. */
export interface LinkOwner {
  readonly operatorName: string;
}

const owners = new Map<number, WeakRef<LinkOwner>>();
const forgotten = new FinalizationRegistry<number>((link) => owners.delete(link));
let nextLink = 0;

const TEMPLATE = (name: string): string => `
  'use strict';
  return class ${name} {
    constructor(target) {
      this.target = target;
      this.count = 0;
    }
    process(value, timestamp) {
      this.count++;
      try {
        this.target.process(value, timestamp);
      } catch (thrown) {
        throw attribute(thrown);
      }
    }
    processBatch(values, timestamps, count) {
      const target = this.target;
      this.count += count;
      try {
        if (timestamps === undefined) {
          for (let i = 0; i < count; i++) {
            target.process(values[i], none);
          }
        } else {
          for (let i = 0; i < count; i++) {
            target.process(values[i], timestamps[i]);
          }
        }
      } catch (thrown) {
        throw attribute(thrown);
      }
    }
    processWatermark(watermark) {
      try {
        this.target.processWatermark(watermark);
      } catch (thrown) {
        throw attribute(thrown);
      }
    }
    processIdle(idle) {
      this.target.processIdle(idle);
    }
  };`;

type LinkClass = new (target: Downstream<unknown>) => ChainLink;

/**
 * Makes the link in front of `target`. Each link is a class of its own, made from text: V8 then learns the type of each
 * operator's neighbour apart, instead of one call site that sees all operators of the process. The class's name leads from
 * a stack trace back to the operator.
 */
export const linkTo = (target: Downstream<unknown>, owner: LinkOwner): ChainLink => {
  const index = nextLink++;
  owners.set(index, new WeakRef(owner));
  forgotten.register(owner, index);
  const create = new Function('attribute', 'none', TEMPLATE(`MillraceLink_${index}`)) as (
    attribute: (thrown: unknown) => unknown,
    none: number,
  ) => LinkClass;
  const Link = create((thrown) => attributeTo(owner.operatorName, thrown), NO_TIMESTAMP);
  return new Link(target);
};

/** The operator whose code is on the stack, if any: the innermost link tells. */
export const ownerOnStack = (stack: string | undefined): LinkOwner | undefined => {
  const match = stack === undefined ? null : /MillraceLink_(\d+)/.exec(stack);
  return match === null ? undefined : owners.get(Number(match[1]))?.deref();
};

/** Several consumers of one output, in the order they were drawn. */
export class FanOut implements Downstream<unknown> {
  readonly #targets: readonly Downstream<unknown>[];

  constructor(targets: readonly Downstream<unknown>[]) {
    this.#targets = targets;
  }

  process(value: unknown, timestamp: number): void {
    for (const target of this.#targets) {
      target.process(value, timestamp);
    }
  }

  processWatermark(watermark: number): void {
    for (const target of this.#targets) {
      target.processWatermark(watermark);
    }
  }

  processIdle(idle: boolean): void {
    for (const target of this.#targets) {
      target.processIdle(idle);
    }
  }
}

/** The main output of an operator with side outputs: they get no records of it, but its watermarks. */
export class MainOutput implements Downstream<unknown> {
  readonly #main: Downstream<unknown>;
  readonly #all: Downstream<unknown>;

  constructor(main: Downstream<unknown>, sides: readonly Downstream<unknown>[]) {
    this.#main = main;
    this.#all = new FanOut([main, ...sides]);
  }

  process(value: unknown, timestamp: number): void {
    this.#main.process(value, timestamp);
  }

  processWatermark(watermark: number): void {
    this.#all.processWatermark(watermark);
  }

  processIdle(idle: boolean): void {
    this.#all.processIdle(idle);
  }
}

/** The output that nobody reads. */
export const DISCARD: Downstream<unknown> = { process: () => {}, processWatermark: () => {}, processIdle: () => {} };
