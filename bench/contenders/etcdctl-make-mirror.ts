import { etcdctl } from "../stores/etcd.ts";
import { root } from "../tree.ts";
import type { Contender } from "./contender.ts";

function makeMirror(source: string, target: string) {
  return {
    command: etcdctl,
    args: ["--endpoints", source, "make-mirror", "--prefix", root, "--dest-prefix", root, target],
    env: { ETCDCTL_API: "3" },
  };
}

/** Between two etcd: the same tree, as keys. Copies everything at each start. */
export const etcdctlMakeMirror: Contender = {
  name: "etcdctl make-mirror",
  key: "make-mirror",
  store: "etcd",
  pass: makeMirror,
  endless: true,
  follow: makeMirror,
  writesPerSecondMax: 1_000,
};
