export { csvFile, type CsvFileOptions } from './csv-file.ts';
export type { CsvColumn, CsvColumns, CsvRecord, CsvType } from './csv-columns.ts';
export { fileSink, type FileSinkOptions, type Rolling } from './file-sink.ts';
export type { FilePaths, FileSourceOptions } from './file-source.ts';
export { jsonLines, type JsonLinesOptions } from './json-lines.ts';
export type { CsvFormat } from './record-format.ts';
export { textFile } from './text-file.ts';
