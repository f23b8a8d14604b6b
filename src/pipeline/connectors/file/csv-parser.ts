/**
 * The fields of one CSV record, as RFC 4180 has it: a field may stand in quotes, a quote inside of one is doubled. Throws
 * an error that says what is wrong.
 */
export const parseCsvRecord = (text: string, delimiter: string): string[] => {
  if (!text.includes('"')) {
    return text.split(delimiter);
  }
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const [field, next] = quotedField(text, at, fields.length + 1);
      fields.push(field);
      at = next;
      if (at < text.length && text[at] !== delimiter) {
        throw new Error(`field ${fields.length} goes on after its closing quote`);
      }
    } else {
      const end = text.indexOf(delimiter, at);
      const field = end < 0 ? text.slice(at) : text.slice(at, end);
      if (field.includes('"')) {
        throw new Error(`field ${fields.length + 1} has a quote inside; put the field in quotes and double it`);
      }
      fields.push(field);
      at = end < 0 ? text.length : end;
    }
    if (at >= text.length) {
      return fields;
    }
    at++;
  }
};

/** The field whose opening quote is at `from`, and the index behind its closing one. */
const quotedField = (text: string, from: number, number: number): [field: string, next: number] => {
  let field = '';
  let start = from + 1;
  for (;;) {
    const quote = text.indexOf('"', start);
    if (quote < 0) {
      throw new Error(`the quote of field ${number} is never closed`);
    }
    field += text.slice(start, quote);
    if (text[quote + 1] !== '"') {
      return [field, quote + 1];
    }
    field += '"';
    start = quote + 2;
  }
};
