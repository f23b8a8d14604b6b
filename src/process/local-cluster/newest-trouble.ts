import { readFrom } from './read-from.ts';

/** So much of the end of a log is looked at. */
const LOOKED_AT_BYTES = 256 * 1024;
/** The first line that a JobManager writes of itself. */
const STARTED = /^JobManager \S+ \(instance .* has started$/;
/** Where nobody can lead, it is the store more often than anything else. */
const OF_THE_STORE = /\bHA store\b/;

export interface LoggedTrouble {
  /** As the log has it. */
  readonly at: string;
  readonly text: string;
}

interface Line extends LoggedTrouble {
  readonly isTrouble: boolean;
}

/**
 * The newest warning or error of a JobManager's log since the process started; one about the HA store is preferred to others. `undefined`:
 * there is none, or no log.
 */
export const newestTrouble = (log: string): LoggedTrouble | undefined => {
  const lines = readFrom(log, 0, LOOKED_AT_BYTES)
    .split('\n')
    .flatMap((line) => lineOf(line) ?? []);
  const troubles = lines
    .slice(lines.findLastIndex(({ text }) => STARTED.test(text)) + 1)
    .filter(({ isTrouble }) => isTrouble);
  const newest = troubles.findLast(({ text }) => OF_THE_STORE.test(text)) ?? troubles.at(-1);
  return newest === undefined ? undefined : { at: newest.at, text: newest.text };
};

/** A line of the log, plain or JSON; `undefined` for what belongs to the line before. */
const lineOf = (line: string): Line | undefined => {
  const { at, level, text } = line.startsWith('{') ? ofJson(line) : (PLAIN.exec(line)?.groups ?? {});
  return at === undefined || level === undefined || text === undefined
    ? undefined
    : { at, text, isTrouble: /^(?:warn|error)$/i.test(level) };
};

const PLAIN = /^(?<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (?<level>[A-Z]+) +(?<text>.*)$/;

const ofJson = (line: string): { readonly at?: string; readonly level?: string; readonly text?: string } => {
  try {
    const { time, level, msg } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return { at: String(time), level: String(level), text: String(msg) };
  } catch {
    return {};
  }
};
