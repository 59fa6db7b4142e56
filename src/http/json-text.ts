/** JSON as it is sent: it ends with a newline, so that a terminal's prompt stands below it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
