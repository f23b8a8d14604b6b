/** `1 slot`, `3 slots`. */
export const slotsText = (slots: number): string => `${slots} ${slots === 1 ? 'slot' : 'slots'}`;
