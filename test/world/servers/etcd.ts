import { eventually } from "../../integration/harness/eventually.ts";
import { inProject } from "../../integration/harness/project.ts";
import type { Recipe } from "../server.ts";
import type { Member } from "./members.ts";

/** Usually one to two seconds: an election, and for the last members to join it. */
const readyMsMax = 40_000;

/** One cluster of etcd 3.4; a single member is a cluster too. */
export function etcdRecipes(members: readonly Member<"etcd">[]): Recipe[] {
  const cluster = members.map(({ name, host, ports }) => `${name}=http://${host}:${ports.peer}`).join(",");
  return members.map(({ name, site, host, ports }) => {
    const peer = `http://${host}:${ports.peer}`;
    const client = `http://${host}:${ports.client}`;
    return {
      name,
      site,
      address: `${host}:${ports.client}`,
      command: (folder) => [
        inProject(".cache/etcd/usr/bin/etcd"),
        ...["--name", name, "--data-dir", `${folder}/data`],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--initial-cluster", cluster, "--initial-cluster-state", "new"],
        ...["--logger", "zap", "--log-level", "warn"],
      ],
      // Healthy means that a write can be committed.
      ready: ({ ask }) =>
        eventually(
          async () => {
            const answer = await ask("GET /health HTTP/1.0\r\n\r\n");
            if (!answer.includes('"health":"true"')) throw new Error(`it answers /health with: ${answer}`);
          },
          { withinMs: readyMsMax, everyMs: 50 },
        ),
    };
  });
}
