/** What a search printed. */
export interface Search {
  readonly states: number;
  /** `pan`'s own words for what it found first. */
  readonly failure: string | undefined;
  /** Nothing was left out for want of depth or memory. */
  readonly isComplete: boolean;
}

export const readSearch = (text: string): Search => {
  const errors = /errors: (\d+)/.exec(text)?.[1];
  const isCut = /Search not completed|max search depth too small|out of memory|reached -DMEMLIM|error: /i.test(text);
  return {
    states: Number(/^\s*(\d+) states, stored/m.exec(text)?.[1] ?? 0),
    failure: /^pan:\d+: (.*?)(?: \(at depth \d+\))?$/m.exec(text)?.[1],
    isComplete: errors === '0' && !isCut,
  };
};

/** The name in the comment of the line that a replay stopped at; `reached` where a place was looked for. */
export const violatedBy = (replay: string, failure: string, model: readonly string[]): string => {
  const line = model[Number(/takeover\.pml:(\d+), Error: assertion violated/.exec(replay)?.[1] ?? 0) - 1] ?? '';
  if (line.includes('reached(')) {
    return 'reached';
  }
  return /assert\(.*\/\* ([IR]\d+) \*\//.exec(line)?.[1] ?? failure;
};
