/** Whether the text is what the pattern says, where `*` stands for any characters. Linear for each `*`: no backtracking. */
export function globMatches(pattern: string, text: string): boolean {
  const [head = "", ...parts] = pattern.split("*");
  if (!text.startsWith(head)) return false;
  const tail = parts.pop();
  if (tail === undefined) return text === head;
  let at = head.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
