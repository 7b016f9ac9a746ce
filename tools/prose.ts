import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { commentsOf, type TextBlock } from './prose-blocks.ts'

/** The rules of CONTRIBUTING.md, "Prose", that a program can check. */
const MAX_COLUMNS = 100
const MAX_SUBJECT = 72
const BANNED_START =
  /(?:^|[.!?]["'`)*\]]*\s+)["'`(*[]*(what|whatever|who|whoever|whose|one|those)(?![\w-])/gi
const LABEL = /^(?:[-*]\s+|\d+\.\s+|#+\s+|INVARIANT:\s*|@(?:param\s+\S+|returns|throws)\s*)+/
const TAG_INSIDE = /\S\s+@(?:param|returns|throws)\b/
const NEW_PARAGRAPH = /^(?:$|[-*#|]\s|\d+\.\s|INVARIANT|@(?:param|returns|throws)\b)/
const SUBJECT = /^[\w./, -]+: (?<verb>[a-z]+)(?:\s|$)/
const NO_IMPERATIVE = /(?:[^s]s|ing|[^e]ed)$|^(?:the|an?|no|not|what|who|now|new)$/
const IMPERATIVE = /^(?:focus|alias|bring|shed|embed)$/

const NOT_PROSE = /(?:\.(?:go|json|pem|png|svg)|LICENSE|NOTICE)$/

/** @returns a line for each place that breaks rule 1, 2 or 3 */
export function proseProblems(file: string, source: string): readonly string[] {
  const lines = source.split('\n')
  return commentsOf(file, source).flatMap((block) => {
    const problems = sentenceProblems(file, block)
    for (const [at, text] of block.lines.entries()) {
      const where = `${file}:${block.line + at}`
      const columns = lines[block.line + at - 1]?.length ?? 0
      if (TAG_INSIDE.test(text)) problems.push(`${where}: a tag stands at the start of a line`)
      if (block.isComment && columns > MAX_COLUMNS) {
        problems.push(`${where}: a comment of ${columns} columns, ${MAX_COLUMNS} are allowed`)
      }
    }
    return problems
  })
}

/** @returns why a commit's subject breaks rule 4, or null */
export function subjectProblem(subject: string): string | null {
  if (subject.length > MAX_SUBJECT) {
    return `${subject.length} characters, ${MAX_SUBJECT} are allowed`
  }
  const verb = SUBJECT.exec(subject)?.groups?.['verb']
  if (verb === undefined) return 'not of the form `area: imperative verb …`'
  const isImperative = IMPERATIVE.test(verb) || !NO_IMPERATIVE.test(verb)
  return isImperative ? null : `\`${verb}\` is no imperative verb`
}

function sentenceProblems(file: string, { line, lines }: TextBlock): string[] {
  const starts = lines.flatMap((text, at) => (at === 0 || opensParagraph(lines, at) ? [at] : []))
  return starts.flatMap((start, index) => {
    const paragraph = lines
      .slice(start, starts[index + 1])
      .join(' ')
      .trim()
      .replace(LABEL, '')
    return [...paragraph.matchAll(BANNED_START)].map(
      ([, word]) => `${file}:${line + start}: a sentence begins with \`${word}\``,
    )
  })
}

function opensParagraph(lines: readonly string[], at: number): boolean {
  return NEW_PARAGRAPH.test(lines[at] ?? '') || lines[at - 1] === ''
}

/** @returns a line for each subject that breaks rule 4, from the commit that added this check on */
function commitProblems(): readonly string[] {
  const added = ['log', '--diff-filter=A', '--format=%H', '--', 'tools/prose.ts']
  const first = git(...added).at(-1)
  if (first === undefined) return []
  const since = [...git('log', '--no-merges', '--format=%h %s', `${first}..HEAD`)]
  return [...since, ...git('log', '-1', '--format=%h %s', first)].flatMap((commit) => {
    const [hash = '', ...words] = commit.split(' ')
    const problem = subjectProblem(words.join(' '))
    return problem === null ? [] : [`${hash} ${words.join(' ')}: ${problem}`]
  })
}

function git(...args: readonly string[]): readonly string[] {
  return spawnSync('git', args, { encoding: 'utf8' }).stdout?.split('\n').filter(Boolean) ?? []
}

if (import.meta.main) {
  const files = git('ls-files').filter((file) => !NOT_PROSE.test(file))
  const found = [
    ...files.flatMap((file) => proseProblems(file, readFileSync(file, 'utf8'))),
    ...commitProblems(),
  ]
  for (const problem of found) process.stderr.write(`${problem}\n`)
  process.stdout.write(`prose: ${files.length} files, ${found.length} problems\n`)
  process.exitCode = found.length > 0 ? 1 : 0
}
