import { homedir, hostname, tmpdir } from 'node:os';

/** What a text must not tell, and what stands for it. */
export type Places = readonly (readonly [place: string, name: string])[];

export const placesOf = (root: string): Places =>
  (
    [
      [root, '<project>'],
      [tmpdir(), '<tmp>'],
      [homedir(), '<home>'],
      [hostname(), '<host>'],
    ] as const
  )
    // Those are no secret, and part of other words.
    .filter(([place]) => place.length > 1 && place !== 'localhost')
    .toSorted(([one], [other]) => other.length - one.length);

/** The same data, with names for the folders and the host of this machine in all its texts. */
export const withoutPlaces = <Data>(data: Data, places: Places): Data => {
  const cleaned = (value: unknown): unknown => {
    if (typeof value === 'string') {
      return places.reduce((text, [place, name]) => text.replaceAll(place, name), value);
    }
    if (Array.isArray(value)) {
      return value.map(cleaned);
    }
    return value !== null && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).map(([key, own]) => [key, cleaned(own)]))
      : value;
  };
  return cleaned(data) as Data;
};
