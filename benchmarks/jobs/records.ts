/** Records for benchmarks; the baseline and the job call the same functions. */
const KEYS = Array.from({ length: 10_000 }, (_, index) => `key-${index}`);

export interface SmallRecord {
  readonly k: string;
  readonly v: number;
}

export const smallRecord = (index: number): SmallRecord => ({
  k: KEYS[(index * 7919) % KEYS.length]!,
  v: index & 1023,
});

const CHANNELS = [
  'Google',
  'Facebook',
  'Baidu',
  'Apple',
  ...Array.from({ length: 1_000 }, (_, index) => `channel-${index}`),
];
const PADDING =
  'the quick brown fox jumps over the lazy dog and runs along the river to the mill and back again '.repeat(2);

/** As wide as a Nexmark bid. */
export const wideRecord = (index: number) => ({
  auction: 1_000 + ((index * 31) % 10_000),
  bidder: 2_000 + ((index * 17) % 9_999),
  price: 100 + ((index * 7) % 100_000),
  channel: CHANNELS[index % CHANNELS.length]!,
  url: `https://www.nexmark.com/item.htm?query=${index % 5_000}`,
  dateTime: 1_700_000_000_000 + index,
  extra: PADDING.slice(index % 20, 60 + (index % 40)),
});
