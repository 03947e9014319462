import { inProject } from "../../test/integration/harness/project.ts";
import type { Contender } from "./contender.ts";

const script = inProject("bench/contenders/node-zookeeper-client.main.ts");

/** One request per node, `inFlight` nodes at a time. */
export function nodeZookeeperClient(inFlight: number): Contender {
  const how = inFlight === 1 ? "one by one" : `${inFlight} in flight`;
  return {
    name: `node-zookeeper-client, ${how}`,
    key: `nzc-${inFlight}`,
    store: "zookeeper",
    pass: (source, target) => ({ command: process.execPath, args: [script, source, target, String(inFlight)] }),
  };
}
