import { type DataStream, type SingleOutputStreamOperator, WatermarkStrategy } from 'millrace';

/** A stream in one subtask, so that it stays in order, whose records have their time from the field `time`. */
export const watermarks = <T extends { readonly time: number }>(
  stream: DataStream<T>,
  outOfOrderMs: number,
): SingleOutputStreamOperator<T> =>
  stream
    .assignTimestampsAndWatermarks(
      outOfOrderMs === 0
        ? WatermarkStrategy.forMonotonousTimestamps<T>()
        : WatermarkStrategy.forBoundedOutOfOrderness<T>(outOfOrderMs),
      ({ time }) => time,
    )
    .setParallelism(1);
