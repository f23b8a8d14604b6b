/**
 * Which copies of state files a subtask keeps: those that the newest completed checkpoint it knows refers to, and those of
 * checkpoints that are not decided. By the names of the files, which are used once (R16).
 */
export class CopyLedger {
  /** The checkpoint that wrote each file of which there is a copy. */
  readonly #writtenBy = new Map<string, number>();
  /** What the snapshots of checkpoints that are not decided refer to. */
  readonly #acknowledged = new Map<number, ReadonlySet<string>>();
  /** Of the newest completed checkpoint. */
  #needed: ReadonlySet<string> = new Set();

  kept(name: string, writtenBy: number): void {
    this.#writtenBy.set(name, writtenBy);
  }

  /** No copy of it is there, or none that is good. */
  dropped(names: Iterable<string>): void {
    for (const name of names) {
      this.#writtenBy.delete(name);
    }
  }

  /** The subtask begins with this checkpoint. */
  restored(names: Iterable<string>): void {
    this.#needed = new Set(names);
  }

  acknowledged(checkpointId: number, names: Iterable<string>): void {
    this.#acknowledged.set(checkpointId, new Set(names));
  }

  /** Returns the copies that nothing needs any more. A checkpoint that this attempt took no part in changes nothing. */
  completed(checkpointId: number): readonly string[] {
    const names = this.#acknowledged.get(checkpointId);
    if (names === undefined) {
      return [];
    }
    this.#needed = names;
    for (const id of this.#acknowledged.keys()) {
      if (id <= checkpointId) {
        this.#acknowledged.delete(id);
      }
    }
    return this.#drop((id) => id <= checkpointId);
  }

  /** These checkpoints were aborted: nothing builds on them (R6). Returns the copies that nothing needs any more. */
  givenUp(isGivenUp: (checkpointId: number) => boolean): readonly string[] {
    for (const id of this.#acknowledged.keys()) {
      if (isGivenUp(id)) {
        this.#acknowledged.delete(id);
      }
    }
    return this.#drop(isGivenUp);
  }

  #drop(isOld: (writtenBy: number) => boolean): readonly string[] {
    const names = [...this.#writtenBy]
      .filter(([name, writtenBy]) => isOld(writtenBy) && !this.#needed.has(name))
      .map(([name]) => name);
    this.dropped(names);
    return names;
  }
}
