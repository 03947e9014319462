import { expect } from "vitest";

/** A demo is for people who wait for it. */
const storySecondsMax = 120;

/** Of a demo's output: what its set-up and its story took; prints them. */
export function expectShortStory(output: string): void {
  const [line, minutes = "0", seconds] = /Set-up took .*, the story (?:(\d+) min )?([\d.]+) s\./.exec(output) ?? [];
  console.log(line);
  expect(Number(minutes) * 60 + Number(seconds)).toBeLessThanOrEqual(storySecondsMax);
}
