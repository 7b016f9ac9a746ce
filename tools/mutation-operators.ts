import { type Node, parseSync, Visitor } from 'oxc-parser'

/** A small change of a source file. */
export interface Mutant {
  /** relative to the repository */
  readonly file: string
  /** from 1 */
  readonly line: number
  /** the text before and after, each on one line and cut */
  readonly change: string
  /** the whole file, changed */
  readonly source: string
}

/** A text in place of a part of a source. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

type Span = Pick<Node, 'start' | 'end'>

const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '-': ['+'],
  '*': ['/'],
}
const METHODS = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
])
const REASONED = new Set(['refuse', 'deny'])
const SHOWN = 60

/**
 * Conditions that always or never hold, one side of `&&`, `||` and `??`, comparisons at their
 * limits, removed statements and guards, other booleans, numbers and reasons. Types and imports
 * stay, and so do conditions of loops, which would never end.
 */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const { program } = parseSync(file, source)
  const { edits, types } = collect(source, program)
  const isType = ({ start, end }: Span): boolean =>
    types.some((type) => type.start <= start && end <= type.end)
  return edits.filter((edit) => !isType(edit)).map((edit) => applied(edit, file, source))
}

function collect(
  source: string,
  program: ReturnType<typeof parseSync>['program'],
): { readonly edits: readonly Edit[]; readonly types: readonly Span[] } {
  const edits: Edit[] = []
  const types: Span[] = []
  const text = ({ start, end }: Span): string => source.slice(start, end)
  const put = ({ start, end }: Span, ...texts: readonly string[]): void => {
    edits.push(...texts.map((text) => ({ start, end, text })))
  }
  const ignore = (node: Span): void => void types.push(node)
  new Visitor({
    TSTypeAnnotation: ignore,
    TSTypeAliasDeclaration: ignore,
    TSInterfaceDeclaration: ignore,
    TSTypeParameterInstantiation: ignore,
    ImportDeclaration: ignore,
    ExportAllDeclaration: ignore,
    TSAsExpression: ({ typeAnnotation }) => ignore(typeAnnotation),
    IfStatement: ({ test }) => put(test, 'true', 'false'),
    ConditionalExpression: ({ test }) => put(test, 'true', 'false'),
    LogicalExpression: (node) => put(node, `(${text(node.left)})`, `(${text(node.right)})`),
    BinaryExpression: ({ operator, left, right }) =>
      put({ start: left.end, end: right.start }, ...(COMPARISONS[operator] ?? []).map(spaced)),
    UnaryExpression: (node) => {
      if (node.operator === '!') put(node, `(${text(node.argument)})`)
    },
    ExpressionStatement: (node) => {
      if (isRemovable(text(node))) put(node, ';')
    },
    Literal: (node) => {
      if (typeof node.value === 'boolean') put(node, String(!node.value))
      if (typeof node.value === 'number') put(node, `(${text(node)} + 1)`)
    },
    CallExpression: ({ callee, arguments: [first] }) => {
      if (callee.type === 'Identifier' && REASONED.has(callee.name) && first?.type === 'Literal') {
        put(first, "'mutant'")
      }
      if (callee.type !== 'MemberExpression' || callee.computed) return
      const other = METHODS.get(text(callee.property))
      if (other !== undefined) put(callee.property, other)
    },
  }).visit(program)
  return { edits, types }
}

function spaced(operator: string): string {
  return ` ${operator} `
}

/** Construction of an object is not removed, because nothing works without it. */
function isRemovable(statement: string): boolean {
  return !/^(?:super\(|this\.|'use )/.test(statement)
}

/** @returns the source with a single edit */
export function applied({ start, end, text }: Edit, file: string, source: string): Mutant {
  const line = source.slice(0, start).split('\n').length
  const shown = (part: string): string => part.replaceAll(/\s+/g, ' ').trim().slice(0, SHOWN)
  return {
    file,
    line,
    change: `\`${shown(source.slice(start, end))}\` → \`${shown(text)}\``,
    source: source.slice(0, start) + text + source.slice(end),
  }
}

/** Lines with the counts of a room's mutants, and a line for each mutant that survived. */
export function reportOf(
  room: string,
  mutants: readonly Mutant[],
  survivors: readonly Mutant[],
): string {
  const noticed = mutants.length - survivors.length
  return [
    `${room}: ${mutants.length} mutants, ${noticed} noticed, ${survivors.length} survived`,
    ...survivors.map(({ file, line, change }) => `  ${file}:${line}: ${change}`),
    '',
  ].join('\n')
}
