/** Markup: all text in it is escaped. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

export type Content = string | number | Html | undefined | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (each) => ESCAPES[each]!);

const markupOf = (content: Content): string => {
  if (content === undefined) {
    return '';
  }
  if (content instanceof Html) {
    return content.markup;
  }
  return typeof content === 'object' ? content.map(markupOf).join('') : escaped(String(content));
};

/** Markup with values in it: these are text, whatever is in them, unless they are markup themselves. */
export const html = (strings: TemplateStringsArray, ...values: readonly Content[]): Html =>
  new Html(strings.map((string, index) => string + markupOf(values[index])).join(''));
