import { expect, test } from "vitest";
import { goodRun } from "./made.ts";
import { drawPicture } from "./picture.ts";

test("a picture has a band for each fault, and a point for each moment in which something was acknowledged", () => {
  const picture = drawPicture(goodRun());
  expect(picture.match(/fill-opacity/g)).toHaveLength(1);
  expect(picture).toContain("<title>1 leader-kill</title>");
  expect(picture.match(/<circle/g)?.length).toBeGreaterThan(500);
  expect(picture).not.toMatch(/NaN|Infinity|undefined/);
});

test("a run that saw nothing has a picture too", () => {
  const picture = drawPicture(goodRun({ sends: [], faults: [], overAt: undefined }));
  expect(picture).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  expect(picture).not.toMatch(/NaN|Infinity|undefined/);
});
