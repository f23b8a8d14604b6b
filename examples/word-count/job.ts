import { job } from 'millrace';
import { fileSink, textFile } from 'millrace/connectors/file';

/**
 * Counts the words of a text. Arguments: the text, the output folder. The last line of each word in the output has its
 * total; the lines before show how it grew.
 */
export default job('word-count', (env, [text = './genesis.txt', folder = './counts']) => {
  env.enableCheckpointing('1s');
  env
    .from(textFile(text))
    .flatMap((line) => line.toLowerCase().match(/[a-z']+/g) ?? [])
    .name('words')
    .map((word) => ({ word, n: 1 }))
    .keyBy('word')
    .sum('n')
    .uid('counts')
    .to(fileSink({ path: folder, format: ({ word, n }) => `${word} ${n}` }));
});
