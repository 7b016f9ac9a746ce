/** Text for a log or a record, at most `maxLength` characters and a mark where more was cut off. */
export function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}[cut]`
}
