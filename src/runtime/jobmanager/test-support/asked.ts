import { messageOf } from '../../../foundation/common/errors.ts';

/** What somebody asked for, and how that ended. */
export interface Asked<T> {
  done: boolean;
  /** `undefined`: it failed. */
  checkpoint: T | undefined;
}

export const ask = <T>(request: () => Promise<T>, inVain: (message: string) => void): Asked<T> => {
  const asked: Asked<T> = { done: false, checkpoint: undefined };
  request().then(
    (checkpoint) => Object.assign(asked, { done: true, checkpoint }),
    (error: unknown) => {
      asked.done = true;
      inVain(messageOf(error));
    },
  );
  return asked;
};
