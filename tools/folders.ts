/** A folder beside `sidecar/src`, whose rooms have a list of their own. */
interface Folder {
  readonly path: string
  /** folders whose files this folder's files never import */
  readonly forbidden: readonly string[]
}

/** `integration/` may import everything. The rule holds for `import()`, too. */
export const FOLDERS: readonly Folder[] = [
  { path: 'launch', forbidden: ['demo', 'integration'] },
  { path: 'demo', forbidden: ['integration'] },
  { path: 'sidecar/test', forbidden: ['launch', 'demo', 'integration'] },
  { path: 'sidecar/bench', forbidden: ['launch', 'demo', 'integration'] },
  { path: 'tools', forbidden: ['demo', 'integration'] },
]

/** Sections of oxlint's configuration that hold each folder to the list. */
export function folderSections(): { files: string[]; rules: object }[] {
  return FOLDERS.map(({ path, forbidden }) => ({
    files: [`${path}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: forbidden.map((folder) => `**/${folder}/**`),
              message: `${path}/ imports nothing of ${forbidden.join('/, ')}/`,
            },
          ],
        },
      ],
    },
  }))
}
