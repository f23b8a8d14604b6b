export { elements, type ElementsOptions } from './elements.ts';
export { generate, type GenerateOptions } from './generate.ts';
export type { Pace } from './rate-limiter.ts';
export { sequence, type SequenceOptions } from './sequence.ts';
