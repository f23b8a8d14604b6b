/** `50100-50110,50200`: ports and ranges; `0`: any free one. `undefined` when it is something else. */
export const portsOf = (text: string): readonly number[] | undefined => {
  const ports: number[] = [];
  for (const part of text.split(',')) {
    const range = /^\s*(?<from>\d{1,5})\s*(?:-\s*(?<to>\d{1,5})\s*)?$/.exec(part)?.groups;
    const first = Number(range?.['from']);
    const last = Number(range?.['to'] ?? first);
    if (range === undefined || first > last || last > 65_535 || (first === 0 && last > 0)) {
      return undefined;
    }
    for (let port = first; port <= last; port++) {
      ports.push(port);
    }
  }
  return ports;
};

/** As `portsOf` reads it. */
export const formatPorts = (ports: readonly number[]): string => {
  const ranges: [number, number][] = [];
  for (const port of ports) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === port - 1 && last[0] > 0) {
      last[1] = port;
    } else {
      ranges.push([port, port]);
    }
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
};
