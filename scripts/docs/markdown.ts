/** One line of a table. Cells come ready made: see {@link cell}. */
export function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Text made safe for a table's cell. */
export function cell(text: string): string {
  return text
    .replaceAll("|", "\\|")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/<(?=\w)/g, "&lt;");
}
