import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { unreachable } from '../../../foundation/common/assert.ts';
import type { StreamEvent } from '../../network/stream-element.ts';
import { BarrierAligner } from './barrier-aligner.ts';
import type { AlignerAction } from './barrier-aligner.ts';
import { barrierOf } from './barrier-of-trigger.ts';
import type { ChainLink } from './chain-link.ts';
import type { InputGate } from './input-gate.ts';
import type { TaskInput, TaskInputOwner } from './task-input.ts';
import type { TaskSignal } from './task-signal.ts';
import { WatermarkValve } from './watermark-valve.ts';
import type { ValveOutput } from './watermark-valve.ts';

export interface GateInputOptions {
  readonly gate: InputGate;
  readonly entry: ChainLink;
  readonly owner: TaskInputOwner;
  readonly clock: Clock;
  readonly exactlyOnce: boolean;
  readonly floor: number;
  /** Opens the channels; the first frames may come during the call. */
  readonly connect: () => void;
}

/** The input of every task that is not a source. */
export class GateInput implements TaskInput {
  readonly #gate: InputGate;
  readonly #entry: ChainLink;
  readonly #owner: TaskInputOwner;
  readonly #clock: Clock;
  readonly #connect: () => void;
  readonly #aligner: BarrierAligner;
  readonly #valve: WatermarkValve;
  #channelsWithData: number;
  readonly #dataEnded: boolean[];
  #isEnded = false;
  /** While nobody leads (R10). */
  #limitMs: number | undefined;
  #limitTimer: TimerHandle | undefined;
  readonly isSource = false;
  recordsIn = 0;

  constructor(options: GateInputOptions) {
    this.#gate = options.gate;
    this.#entry = options.entry;
    this.#owner = options.owner;
    this.#clock = options.clock;
    this.#connect = options.connect;
    const channels = options.gate.channels.length;
    this.#aligner = new BarrierAligner({ channels, exactlyOnce: options.exactlyOnce, floor: options.floor });
    this.#valve = new WatermarkValve(channels);
    this.#channelsWithData = channels;
    this.#dataEnded = new Array<boolean>(channels).fill(false);
  }

  open(): Promise<void> {
    this.#connect();
    return Promise.resolve();
  }

  step(): boolean {
    const next = this.#gate.next();
    if (next === undefined) {
      return this.#endWithoutChannels();
    }
    const { channel, element } = next;
    if ('kind' in element) {
      this.#event(channel, element);
    } else {
      this.recordsIn += element.count;
      this.#entry.processBatch(element.values, element.timestamps, element.count);
    }
    return true;
  }

  /** Every producer had ended before the restored checkpoint: the data ends with the first step. */
  #endWithoutChannels(): boolean {
    if (this.#gate.channels.length > 0 || this.#isEnded) {
      return false;
    }
    this.#isEnded = true;
    this.#owner.endOfData();
    return true;
  }

  command(command: TaskSignal): void {
    switch (command.kind) {
      case 'trigger':
        return this.#carryOut(this.#aligner.triggered(barrierOf(command.trigger), this.#clock.monotonic()));
      case 'aborted':
      case 'floor':
        return this.#carryOut(this.#aligner.cancelled(command.checkpointId));
      case 'alignment-limit':
        this.#limitMs = command.limitMs;
        return this.#keepLimit();
      case 'alignment-check':
        return this.#keepLimit();
      default:
        return;
    }
  }

  snapshot(): void {}

  checkpointCompleted(): void {}

  close(): Promise<void> {
    this.#limitTimer?.cancel();
    this.#gate.close();
    return Promise.resolve();
  }

  #event(channel: number, event: StreamEvent): void {
    switch (event.kind) {
      case 'watermark':
        return this.#advance(this.#valve.watermark(channel, event.watermark));
      case 'idle':
        return this.#advance(this.#valve.idle(channel, event.idle));
      case 'barrier':
        return this.#carryOut(this.#aligner.barrier(channel, event, this.#clock.monotonic()));
      case 'cancel-barrier':
        return this.#carryOut(this.#aligner.cancelled(event.checkpointId));
      case 'end-of-data':
        this.#dataEnded[channel] = true;
        this.#channelsWithData--;
        if (this.#channelsWithData === 0) {
          this.#owner.endOfData();
        }
        return;
      case 'end-of-partition':
        this.#gate.ended(channel);
        // Without the end of its data the producer was stopped with a savepoint: event time does not go on.
        if (this.#dataEnded[channel]) {
          this.#advance(this.#valve.channelEnded(channel));
        }
        return this.#carryOut(this.#aligner.channelEnded(channel));
      default:
        return unreachable(event, 'stream event');
    }
  }

  #advance(output: ValveOutput): void {
    if (output.idle !== undefined) {
      this.#owner.processIdle(output.idle);
    }
    if (output.watermark !== undefined) {
      this.#owner.processWatermark(output.watermark);
    }
  }

  #carryOut(actions: readonly AlignerAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'block':
          this.#gate.block(action.channel);
          break;
        case 'unblock-all':
          this.#gate.unblockAll();
          break;
        case 'start':
          this.#owner.performCheckpoint(action.barrier, action.alignedSinceMs);
          break;
        case 'cancel':
          this.#owner.cancelCheckpoint(action.checkpointId);
          break;
        default:
          unreachable(action, 'aligner action');
      }
    }
    if (this.#limitMs !== undefined) {
      this.#keepLimit();
    }
  }

  /** Nobody who triggered the checkpoint may be left to complete it: nothing waits long for its barriers (R10). */
  #keepLimit(): void {
    this.#limitTimer?.cancel();
    this.#limitTimer = undefined;
    const limitMs = this.#limitMs;
    const { alignment } = this.#aligner;
    if (limitMs === undefined || alignment === undefined) {
      return;
    }
    const leftMs = alignment.sinceMs + limitMs - this.#clock.monotonic();
    if (leftMs <= 0) {
      return this.#carryOut(this.#aligner.cancelled(alignment.checkpointId));
    }
    this.#limitTimer = this.#clock.after(leftMs, () => this.#owner.command({ kind: 'alignment-check' }));
  }
}
