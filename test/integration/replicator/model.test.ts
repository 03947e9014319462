import { describe, expect, test } from "vitest";
import { topicData } from "./link-file.ts";
import { differences } from "./model.ts";
import type { NodeImage, Tree } from "./snapshot.ts";

function tree(nodes: Readonly<Record<string, string | null>>, changed: Partial<NodeImage> = {}): Tree {
  return new Map(
    Object.entries(nodes).map(([path, text]) => [
      path,
      {
        data: text === null ? null : Buffer.from(text),
        version: 0,
        aversion: 0,
        czxid: 1n,
        mzxid: 1n,
        ephemeral: false,
        ...changed,
      },
    ]),
  );
}

const folders = { "/": null, "/zms": null, "/zms/topic": null };
const source = tree({ ...folders, "/zms/topic/t1": topicData("rmq-idc1"), "/zms/host/h1": "of idc1" });
const mirrored = { "/zms/topic/t1": topicData("rmq-idc2") };
const foreign = { "/": null, "/zms": null, "/zms/host/h2": "of idc2" };
const before = tree(foreign);

describe("the model of the rules", () => {
  test("is content with the mirrored nodes, their folders, the fence, and what was there before", () => {
    const target = tree({ ...foreign, ...folders, ...mirrored, "/crossidc/links": "ours" });
    expect(differences({ source, target, before })).toEqual([]);
  });

  test("finds what is missing, what differs, and what is too much", () => {
    const target = tree({ ...foreign, ...folders, "/zms/topic/t2": "extra", "/zms/topic/t1": topicData("rmq-idc1") });
    expect(differences({ source, target, before })).toEqual([
      expect.stringMatching(/^\/zms\/topic\/t1 has .*rmq-idc1.* in place of .*rmq-idc2/),
      "/zms/topic/t2 is there, though the source has nothing for it",
    ]);
    expect(differences({ source, target: tree({ ...foreign, ...folders }), before })).toEqual([
      "/zms/topic/t1 is missing",
    ]);
  });

  test("finds what was touched, made or removed outside the rules", () => {
    const target = new Map([
      ...tree({ ...folders, ...mirrored, "/zms/host/h3": "made", "/other": null }),
      ...tree({ "/zms/host/h2": "of idc2" }, { version: 1 }),
    ]);
    expect(differences({ source, target, before: new Map([...before, ...tree({ "/gone": null })]) })).toEqual([
      "/zms/host/h3, which no rule covers, was created",
      "/other, which no rule covers, was created",
      "/zms/host/h2, which no rule covers, was touched",
      "/gone, which no rule covers, is gone",
    ]);
  });
});
