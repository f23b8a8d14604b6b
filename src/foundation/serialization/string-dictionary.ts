import { FIRST_CODE } from './column-format.ts';
import { detachString } from './detach.ts';

/** A dictionary that grows past one of these begins anew, or is given up when it did not pay. */
const MOST_WORDS = 16_384;
const MOST_UNITS = 262_144;
/** No dictionary grows past this within one batch. */
const MOST_WORDS_EVER = 65_536;
/** After that many values it shows whether strings repeat at all. */
const TRIAL_VALUES = 4096;
/** Values sent plainly before the next trial; doubled after each trial that fails. */
const FIRST_PAUSE_VALUES = 262_144;
const LONGEST_PAUSE_VALUES = 16_777_216;

/**
 * The sender's dictionary of one column of strings in one channel. Used while strings repeat; given up for a while when
 * they do not.
 */
export class StringDictionary {
  /** Codes of words, undefined while strings go plainly. */
  words: Map<string, number> | undefined = new Map();
  /** Words that the receiver does not have. */
  readonly newWords: string[] = [];
  #fresh = true;
  #units = 0;
  #valuesSeen = 0;
  #pause = FIRST_PAUSE_VALUES;
  #plainLeft = 0;

  /** Whether the receiver has to begin a new dictionary with this batch. */
  get isFresh(): boolean {
    return this.#fresh;
  }

  add(word: string): number {
    const code = this.words!.size + FIRST_CODE;
    // A word lives longer than the text that it may have been cut from.
    const detached = detachString(word);
    this.words!.set(detached, code);
    this.newWords.push(detached);
    this.#units += word.length;
    return code;
  }

  /** Before a batch of at most `count` strings. */
  begin(count: number): void {
    if (this.words !== undefined && this.words.size + count > MOST_WORDS_EVER) {
      this.#restart();
    }
  }

  /** After a batch in which the column had `count` strings; the new words were sent. */
  settle(count: number): void {
    this.newWords.length = 0;
    if (this.words === undefined) {
      this.#plainLeft -= count;
      if (this.#plainLeft <= 0) {
        this.#restart();
      }
      return;
    }
    this.#fresh = false;
    this.#valuesSeen += count;
    const size = this.words.size;
    if (this.#valuesSeen >= TRIAL_VALUES && size > this.#valuesSeen * 0.95) {
      this.#giveUp();
    } else if (size > MOST_WORDS || this.#units > MOST_UNITS) {
      if (size * 2 > this.#valuesSeen) {
        this.#giveUp();
      } else {
        this.#restart();
      }
    }
  }

  #restart(): void {
    this.words = new Map();
    this.newWords.length = 0;
    this.#fresh = true;
    this.#units = 0;
    this.#valuesSeen = 0;
  }

  #giveUp(): void {
    this.words = undefined;
    this.#plainLeft = this.#pause;
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_VALUES);
  }
}
