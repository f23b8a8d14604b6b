/** Waits for a condition, not for a time; the deadline is for what never comes true. */
export const until = async (condition: () => boolean, what = 'the condition'): Promise<void> => {
  const deadlineMs = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) {
      throw new Error(`waited 60 s for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};
