/** Markup that is safe to send. Only `html` makes it. */
export interface Html {
  readonly markup: string
}

export type HtmlValue = Html | string | number | null | readonly Html[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * A template of HTML; null becomes an empty text.
 *
 * INVARIANT: every value is escaped as text, in elements and quoted attributes, unless another
 * template made it. Otherwise client input could become script.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const markup = strings.reduce((before, after, index) => {
    const value = values[index - 1] ?? null
    return before + markupOf(value) + after
  })
  return { markup }
}

function markupOf(value: HtmlValue): string {
  if (value === null) return ''
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value))
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
