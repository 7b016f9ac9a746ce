import { describe, expect, it } from 'vitest'
import { proseProblems, subjectProblem } from './prose.ts'

const LONG = `// ${'x'.repeat(98)}`

describe('sentences', () => {
  it.each([
    ['a.ts', '// What is known is returned.\n'],
    ['a.ts', '/** Returns the key. Whoever asks next waits. */\n'],
    ['a.ts', '/**\n * Returns the key.\n *\n * @returns what is held\n */\n'],
    ['a.ts', '// Returns the key.\n// Those of others stay.\n'],
    ['a.ts', '// INVARIANT: whatever arrives is judged.\n'],
    ['a.ts', "it('what is revoked stays so', () => {})\n"],
    ['a.ts', "describe.each([1])('whose key', () => {})\n"],
    ['a.lua', 'local a = 1 -- who asks\n'],
    ['a.sh', 'true # one of two\n'],
    ['Dockerfile', '# Whatever runs\nFROM a\n'],
    ['a.md', '# What passes\n'],
    ['a.md', 'Text. **Whoever** asks is answered.\n'],
    ['a.md', '- one\n- Those two\n'],
    ['a.md', '| a | b |\n|---|---|\n| c | who is asked |\n'],
  ])('are found in %s when they begin badly: %j', (file, source) => {
    expect(proseProblems(file, source)).not.toEqual([])
  })

  it.each([
    ['a.ts', "// Returns what is held, or null for whoever is unknown.\nconst a = 'What. Who.'\n"],
    ['a.ts', 'const a = /\\/\\/ what/\nconst b = `// What ${a} // Who`\n'],
    ['a.ts', "call('what is this')\n"],
    ['a.lua', 'local a = "-- what"\n'],
    ['a.sh', 'echo "# what" a#what\n'],
    [
      'a.md',
      'Text that says\nwhat is so.\n\n    what: code\n\n```\nwhat\n```\n\nOne-time codes.\n',
    ],
  ])('pass in %s when they begin well: %j', (file, source) => {
    expect(proseProblems(file, source)).toEqual([])
  })
})

describe('tags', () => {
  it.each(['/** Reads it. @returns the value */\n', '/**\n * a key @param key the key\n */\n'])(
    'are found inside of a line: %j',
    (source) => {
      expect(proseProblems('a.ts', source)).toEqual([expect.stringContaining('start of a line')])
    },
  )

  it.each(['/** @returns the value */\n', '/**\n * Reads.\n *\n * @param key the key\n */\n'])(
    'pass at the start of a line: %j',
    (source) => {
      expect(proseProblems('a.ts', source)).toEqual([])
    },
  )
})

describe('columns', () => {
  it.each([`${LONG}x\n`, `const a = 1 ${LONG}\n`])(
    'over 100 are found with a comment',
    (source) => {
      expect(proseProblems('a.ts', source)).toEqual([expect.stringContaining('columns')])
    },
  )

  it.each([LONG.slice(0, 100), `const a = '${LONG}'`])('pass up to 100, and without', (source) => {
    expect(proseProblems('a.ts', `${source}\n`)).toEqual([])
  })
})

describe('subjects of commits', () => {
  it.each([
    [`tools: ${'add '.repeat(17)}`, /characters/],
    ['Add a check', /not of the form/],
    ['tools: keep.sh leaves a container', /not of the form/],
    ['tools: adds a check', /`adds` is no imperative/],
    ['tools: added a check', /`added` is no imperative/],
    ['tools: adding a check', /`adding` is no imperative/],
    ['docs: the figures of today', /`the` is no imperative/],
  ])('are found: %s', (subject, problem) => {
    expect(subjectProblem(subject)).toMatch(problem)
  })

  it.each(['tools: add a check', 'near cache, redis: feed two keys', 'http: pass it on'])(
    'pass: %s',
    (subject) => {
      expect(subjectProblem(subject)).toBeNull()
    },
  )
})
