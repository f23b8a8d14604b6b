/**
 * The batch codec of the data plane against msgpackr (shared structures, records in batches, with and without
 * `bundleStrings`: the faster counts), both ways in one process: `node benchmarks/codec.ts`. Runs alternate; medians and
 * their ratio are printed.
 */
import { Packr, Unpackr } from 'msgpackr';
import { seededRandom } from '../src/foundation/common/random.ts';
import { BatchDecoder } from '../src/foundation/serialization/batch-decoder.ts';
import { BatchEncoder } from '../src/foundation/serialization/batch-encoder.ts';

const BATCH_RECORDS = 1000;
const BATCHES = 100;
const RUN_MS = 400;
const RUNS = 7;

export interface CodecResult {
  readonly records: string;
  /** Encoded and decoded, records a second. */
  readonly millracePerSecond: number;
  /** With or without `bundleStrings`, whichever is faster. */
  readonly msgpackrPerSecond: number;
  readonly ratio: number;
  readonly millraceBytesPerRecord: number;
  readonly msgpackrBytesPerRecord: number;
}

interface Codec {
  /** Encodes and decodes a batch; returns the bytes. */
  roundTrip(batch: readonly unknown[]): number;
}

const millrace = (): Codec => {
  const encoder = new BatchEncoder({ headroom: 32, operatorName: 'benchmark' });
  const decoder = new BatchDecoder();
  return {
    roundTrip: (batch) => {
      const encoded = encoder.encode(batch, undefined, batch.length);
      const { values } = decoder.decode(encoded.subarray(32));
      return values.length === batch.length ? encoded.length - 32 : Number.NaN;
    },
  };
};

const msgpackr = (bundleStrings: boolean): Codec => {
  const options = { structures: [], bundleStrings };
  const packr = new Packr(options);
  const unpackr = new Unpackr(options);
  return {
    roundTrip: (batch) => {
      const encoded = packr.pack(batch);
      const values = unpackr.unpack(encoded) as unknown[];
      return values.length === batch.length ? encoded.length : Number.NaN;
    },
  };
};

/** A key of 10,000 and a number. */
const smallBatches = (): unknown[][] => {
  const random = seededRandom(1);
  const keys = Array.from({ length: 10_000 }, (_, i) => `key-${i}`);
  return batchesOf(() => ({ k: keys[random.int(keys.length)], v: random.int(1_000_000) }));
};

/** Bids of Nexmark: numbers, a short string that repeats, longer ones that do not. */
const wideBatches = (): unknown[][] => {
  const random = seededRandom(2);
  const channels = ['Apple', 'Google', 'Facebook', 'Baidu', ...Array.from({ length: 20 }, (_, i) => `channel-${i}`)];
  let dateTime = 1_700_000_000_000;
  return batchesOf(() => ({
    auction: 1000 + random.int(1_000_000),
    bidder: 1000 + random.int(100_000),
    price: random.int(100_000_000),
    channel: channels[random.int(channels.length)],
    url: `https://www.nexmark.com/${random.hex(5)}/${random.hex(5)}/item.htm?query=1`,
    dateTime: (dateTime += random.int(3)),
    extra: random.hex(50 + random.int(50)),
  }));
};

/** Parsed from JSON, so that strings are what a source makes, not what is left of putting them together. */
const batchesOf = (record: () => unknown): unknown[][] =>
  Array.from(
    { length: BATCHES },
    () => JSON.parse(JSON.stringify(Array.from({ length: BATCH_RECORDS }, record))) as unknown[],
  );

/** Records a second over `RUN_MS`. */
const measure = (codec: Codec, batches: readonly (readonly unknown[])[]): number => {
  let records = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < RUN_MS) {
    for (const batch of batches) {
      codec.roundTrip(batch);
      records += batch.length;
    }
    elapsed = performance.now() - start;
  }
  return (records / elapsed) * 1000;
};

const compare = (records: string, batches: readonly (readonly unknown[])[]): CodecResult => {
  const ours = millrace();
  const theirs = [msgpackr(false), msgpackr(true)];
  const oursPerSecond: number[] = [];
  const theirsPerSecond: number[][] = theirs.map(() => []);
  for (let run = -1; run < RUNS; run++) {
    const figures = [ours, ...theirs].map((codec) => measure(codec, batches));
    if (run >= 0) {
      oursPerSecond.push(figures[0]!);
      theirsPerSecond.forEach((list, i) => list.push(figures[i + 1]!));
    }
  }
  const millracePerSecond = median(oursPerSecond);
  const msgpackrPerSecond = Math.max(...theirsPerSecond.map(median));
  return {
    records,
    millracePerSecond,
    msgpackrPerSecond,
    ratio: millracePerSecond / msgpackrPerSecond,
    millraceBytesPerRecord: bytesPerRecord(ours, batches),
    msgpackrBytesPerRecord: bytesPerRecord(theirs[0]!, batches),
  };
};

const bytesPerRecord = (codec: Codec, batches: readonly (readonly unknown[])[]): number => {
  let bytes = 0;
  let records = 0;
  for (const batch of batches) {
    bytes += codec.roundTrip(batch);
    records += batch.length;
  }
  return bytes / records;
};

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Prints and returns the results. */
export const run = async (): Promise<readonly CodecResult[]> => {
  const results = [compare('small', smallBatches()), compare('wide', wideBatches())];
  for (const result of results) {
    console.log(
      `codec, ${result.records} records: ${millions(result.millracePerSecond)} M/s both ways, ` +
        `msgpackr ${millions(result.msgpackrPerSecond)} M/s: ratio ${result.ratio.toFixed(2)} ` +
        `(${result.millraceBytesPerRecord.toFixed(1)} and ${result.msgpackrBytesPerRecord.toFixed(1)} bytes a record)`,
    );
  }
  return results;
};

const millions = (perSecond: number): string => (perSecond / 1e6).toFixed(2);

if (import.meta.main) {
  await run();
}
