/** The lines of an arbiter's /metrics that match, one after the other. */
export async function readGauges(endpoint: string, pattern: RegExp): Promise<string> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => pattern.test(line))
    .join("; ");
}
