import { extname } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

/** Lines of prose that belong together, without comment marks. */
export interface TextBlock {
  /** number of the first line, from 1 */
  readonly line: number
  readonly lines: readonly string[]
  readonly isComment: boolean
}

interface Comment {
  readonly line: number
  readonly text: string
  /** true when nothing else is on its line, so that the next line may continue the comment */
  readonly isAlone: boolean
}

// Strings come first, so that a comment mark within a string begins no comment.
const LUA = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|--(?<comment>[^\n]*)/g
const HASH = /"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|(?<=^|\s)#(?<comment>[^\n]*)/gm
const TEST_NAME = /^(?:it|test|describe)$/

/**
 * @returns the prose of a file by its name: the text of Markdown, else comments and names of
 *   tests
 */
export function commentsOf(file: string, source: string): readonly TextBlock[] {
  const kind = extname(file)
  if (kind === '.md') return markdownBlocks(source)
  if (kind === '.ts') {
    return [...joined(typescriptComments(file, source)), ...testNames(file, source)]
  }
  return joined(matchedComments(kind === '.lua' ? LUA : HASH, source))
}

function typescriptComments(file: string, source: string): readonly Comment[] {
  return parseSync(file, source).comments.map(({ value, start }) => ({
    line: lineOf(source, start),
    text: value,
    isAlone: isAlone(source, start),
  }))
}

function matchedComments(pattern: RegExp, source: string): readonly Comment[] {
  return [...source.matchAll(pattern)].flatMap(({ groups, index }) => {
    const text = groups?.['comment']
    const line = lineOf(source, index)
    return text === undefined ? [] : [{ line, text, isAlone: isAlone(source, index) }]
  })
}

function testNames(file: string, source: string): readonly TextBlock[] {
  const names: TextBlock[] = []
  new Visitor({
    CallExpression({ callee, arguments: [name] }) {
      const root = callee.type === 'CallExpression' ? callee.callee : callee
      const called = root.type === 'MemberExpression' ? root.object : root
      if (called.type !== 'Identifier' || !TEST_NAME.test(called.name)) return
      if (name?.type !== 'Literal' || typeof name.value !== 'string') return
      names.push({ line: lineOf(source, name.start), lines: [name.value], isComment: false })
    },
  }).visit(parseSync(file, source).program)
  return names
}

/** Line comments on consecutive lines are one block. */
function joined(comments: readonly Comment[]): readonly TextBlock[] {
  const blocks: { line: number; lines: string[]; isComment: true }[] = []
  let open = false
  for (const { line, text, isAlone } of comments) {
    const lines = text.split('\n').map((each) => each.replace(/^\s*\*?\s*|\s+$/g, ''))
    const last = blocks.at(-1)
    const follows = open && isAlone && last !== undefined && last.line + last.lines.length === line
    if (follows) last.lines.push(...lines)
    else blocks.push({ line, lines, isComment: true })
    open = isAlone
  }
  return blocks
}

/** Each cell of a table is a block of its own; code is left out. */
function markdownBlocks(source: string): readonly TextBlock[] {
  const blocks: { line: number; lines: string[]; isComment: false }[] = []
  let isFenced = false
  let before = ''
  source.split('\n').forEach((text, at) => {
    if (text.startsWith('```')) isFenced = !isFenced
    const isCode = isFenced || text.startsWith('```') || text.startsWith('    ')
    const line = at + 1
    if (text.startsWith('|')) {
      for (const cell of text.split(/(?<!\\)\|/)) {
        blocks.push({ line, lines: [cell.trim()], isComment: false })
      }
    } else if (!isCode) {
      const last = blocks.at(-1)
      const follows = text !== '' && before !== '' && last !== undefined
      if (follows && last.line + last.lines.length === line) last.lines.push(text.trim())
      else if (text !== '') blocks.push({ line, lines: [text.trim()], isComment: false })
    }
    before = isCode || text.startsWith('|') ? '' : text
  })
  return blocks
}

function isAlone(source: string, start: number): boolean {
  return source.slice(source.lastIndexOf('\n', start - 1) + 1, start).trim() === ''
}

function lineOf(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}
