import { applied, type Edit, type Mutant } from './mutation-operators.ts'

interface Token extends Omit<Edit, 'text'> {
  readonly kind: 'comment' | 'string' | 'number' | 'name' | 'sign'
  readonly text: string
}

const TOKEN =
  /(?<comment>--[^\n]*)|(?<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?<number>0x[0-9a-f]+|\d+)|(?<name>[A-Za-z_]\w*)|(?<sign>[=~<>]=|\.\.\.?|\/\/|\S)/g
const KINDS = ['comment', 'string', 'number', 'name', 'sign'] as const

const OTHERS: Readonly<Record<string, readonly string[]>> = {
  '==': ['~='],
  '~=': ['=='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  and: ['or'],
  or: ['and'],
  not: [''],
  true: ['false'],
  false: ['true'],
}

/** A whole statement on one line: an assignment to an existing variable, or a call. */
const STATEMENT =
  /^(?!(?:local|return|function|for|if|elseif|else|and|or|while|until)\b)[A-Za-z_][^=]*?(?:=\s.*[^,{(]|\([^=]*\))$/

/**
 * Conditions that always or never hold, `and` for `or`, comparisons at their limits, removed
 * statements, and other booleans, numbers and table items. Other texts and patterns stay.
 */
export function luaMutantsOf(file: string, source: string): readonly Mutant[] {
  const tokens = tokensOf(source)
  const edits = [
    ...tokens.flatMap((token, at) => othersOf(token, tokens[at - 1], tokens[at + 1])),
    ...conditionsOf(tokens),
    ...statementsOf(source, tokens),
  ]
  return edits
    .toSorted((one, other) => one.start - other.start)
    .map((edit) => applied(edit, file, source))
}

function tokensOf(source: string): readonly Token[] {
  return [...source.matchAll(TOKEN)].flatMap((match) => {
    const kind = KINDS.find((one) => match.groups?.[one] !== undefined) ?? 'sign'
    const [text] = match
    const token = { kind, text, start: match.index, end: match.index + text.length }
    return kind === 'comment' ? [] : [token]
  })
}

function othersOf(token: Token, before?: Token, after?: Token): Edit[] {
  const { kind, text, start, end } = token
  const put = (...texts: readonly string[]): Edit[] =>
    texts.map((one) => ({ start, end, text: one }))
  const isItem = '{,'.includes(before?.text ?? '-') && ',}'.includes(after?.text ?? '-')
  if (kind === 'string') return isItem ? put('"mutant"') : []
  if (kind === 'number') return put(`(${text} + 1)`)
  return put(...(Object.hasOwn(OTHERS, text) ? (OTHERS[text] ?? []) : []))
}

function conditionsOf(tokens: readonly Token[]): Edit[] {
  const edits: Edit[] = []
  let start = 0
  for (const token of tokens) {
    if (token.text === 'if' || token.text === 'elseif') start = token.end
    if (token.text !== 'then') continue
    for (const text of [' true ', ' false ']) edits.push({ start, end: token.start, text })
  }
  return edits
}

/**
 * INVARIANT: only lines that begin and end outside brackets are removed; otherwise the rest would
 * not compile.
 */
function statementsOf(source: string, tokens: readonly Token[]): Edit[] {
  const edits: Edit[] = []
  let lineStart = 0
  for (const line of source.split('\n')) {
    const [start, end] = [lineStart, lineStart + line.length]
    lineStart = end + 1
    const within = tokens.filter((token) => token.start >= start && token.end <= end)
    const [first, last] = [within[0], within.at(-1)]
    if (first === undefined || last === undefined) continue
    const text = source.slice(first.start, last.end)
    const isWhole = depthAt(tokens, first.start) === 0 && depthAt(tokens, last.end) === 0
    const next = tokens.find((token) => token.start >= last.end)
    const goesOn = ['and', 'or', '..'].includes(next?.text ?? '')
    if (isWhole && !goesOn && STATEMENT.test(text)) {
      edits.push({ start: first.start, end: last.end, text: ' ' })
    }
  }
  return edits
}

/** The number of open brackets before an index. */
function depthAt(tokens: readonly Token[], index: number): number {
  let depth = 0
  for (const { text, kind, end } of tokens) {
    if (end > index) break
    if (kind === 'sign' && '({['.includes(text)) depth += 1
    if (kind === 'sign' && ')}]'.includes(text)) depth -= 1
  }
  return depth
}
