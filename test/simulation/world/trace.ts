/** Something that a process said, or that struck the world. */
export interface TraceLine {
  /** Since the beginning of the schedule. */
  readonly atMs: number;
  /** Empty: the world. */
  readonly process: string;
  readonly level: string;
  readonly text: string;
}

const TIME_WIDTH = 9;
const COLUMN_MIN = 24;

export const lineOf = ({ atMs, process, level, text }: TraceLine): string =>
  process === '' ? `${atMs.toFixed(1)} --- ${text}` : `${atMs.toFixed(1)} ${process} ${level} ${text}`;

/** One column for each process; what strikes the world goes across all of them. */
export const columnsOf = (trace: readonly TraceLine[], width: number): readonly string[] => {
  const processes = [...new Set(trace.map(({ process }) => process))].filter((process) => process !== '').sort();
  const column = Math.max(COLUMN_MIN, Math.floor((width - TIME_WIDTH) / Math.max(1, processes.length)) - 1);
  const row = (time: string, at: number, text: string): string =>
    `${time.padStart(TIME_WIDTH)} ${' '.repeat(at * (column + 1))}${text}`.trimEnd();
  return [
    row('seconds', 0, processes.map((process) => process.padEnd(column)).join(' ')),
    ...trace.flatMap(({ atMs, process, level, text }) => {
      const time = (atMs / 1_000).toFixed(3);
      if (process === '') {
        return [row(time, 0, `==== ${text} ====`)];
      }
      const pieces = wrapped(level === 'info' ? text : `${level}: ${text}`, column);
      return pieces.map((piece, index) => row(index === 0 ? time : '', processes.indexOf(process), piece));
    }),
  ];
};

const wrapped = (text: string, width: number): readonly string[] => {
  const pieces: string[] = [];
  let rest = text.replaceAll(/\s+/g, ' ').trim();
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > 0 ? space : width;
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...pieces, rest];
};
