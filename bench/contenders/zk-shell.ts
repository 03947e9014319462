import { inProject } from "../../test/integration/harness/project.ts";
import { root } from "../tree.ts";
import type { Contender } from "./contender.ts";

/** `mirror` of zk_shell, on kazoo: copies node after node, once. */
export const zkShell: Contender = {
  name: "zk_shell mirror",
  key: "zk-shell",
  store: "zookeeper",
  pass(source, target) {
    const [isAsync, isVerbose, skipsPrompt] = [false, false, true];
    const mirror = `mirror zk://${source}${root} zk://${target}${root} ${isAsync} ${isVerbose} ${skipsPrompt}`;
    return { command: inProject(".cache/zk-shell/bin/zk-shell"), args: ["--run-once", mirror, source] };
  },
};
