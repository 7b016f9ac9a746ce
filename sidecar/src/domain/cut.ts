/** Text for a log or record: at most `maxLength` characters, and `[cut]` after a longer text. */
export function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}[cut]`
}
