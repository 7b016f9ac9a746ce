/** Markup that is safe to send. Only `html` makes it. */
export interface Html {
  readonly markup: string
}

export type Piece = Html | string | number | null | readonly Html[]

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
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const markup = strings.reduce((before, after, index) => {
    const piece = pieces[index - 1] ?? null
    return before + markupOf(piece) + after
  })
  return { markup }
}

function markupOf(piece: Piece): string {
  if (piece === null) return ''
  if (typeof piece === 'string' || typeof piece === 'number') return escape(String(piece))
  return 'markup' in piece ? piece.markup : piece.map(({ markup }) => markup).join('')
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
