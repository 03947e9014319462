import { eventually } from "../../integration/harness/eventually.ts";
import { type ZooKeeperVersion, zooKeeperJava } from "../../integration/harness/zookeeper.ts";
import { propertiesText } from "../java.ts";
import type { Recipe } from "../server.ts";
import type { Member } from "./members.ts";

const readyMsMax = 60_000;

/** One ensemble; a single server is one of its own. Sessions last as short as a second. */
export function zooKeeperRecipes(members: readonly Member<"zookeeper">[], version: ZooKeeperVersion): Recipe[] {
  const peers = members.map(({ host, ports }, index) => [
    `server.${index + 1}`,
    `${host}:${ports.peer}:${ports.election}`,
  ]);
  return members.map(({ name, site, host, ports }, index) => ({
    name,
    site,
    address: `${host}:${ports.client}`,
    files: (folder) => ({
      "zoo.cfg": propertiesText({
        tickTime: 500,
        // Ticks: 25 s to come in, 5 s to keep up.
        initLimit: 50,
        syncLimit: 10,
        maxSessionTimeout: 60_000,
        dataDir: `${folder}/data`,
        clientPort: ports.client,
        clientPortAddress: host,
        "admin.enableServer": false,
        "4lw.commands.whitelist": "*",
        extendedTypesEnabled: true,
        maxClientCnxns: 0,
        ...(members.length === 1 ? {} : Object.fromEntries(peers)),
      }),
      "data/myid": String(index + 1),
    }),
    command: (folder) => ["java", ...zooKeeperJava({ version, jvmArgs: ["-Xms16m", "-Xmx96m"] }), `${folder}/zoo.cfg`],
    ready: ({ ask }) =>
      eventually(
        async () => {
          const answer = await ask("srvr");
          if (!answer.includes("Mode:")) throw new Error(`it answers srvr with: ${answer.trim() || "nothing"}`);
        },
        { withinMs: readyMsMax, everyMs: 50 },
      ),
  }));
}
