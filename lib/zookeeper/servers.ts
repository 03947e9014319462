import { assert } from "../assert.ts";
import { OperatorError } from "../errors.ts";

export interface Server {
  /** As the operator wrote it. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
}

/** The servers in a random order of our own, round and round. */
export interface Servers {
  readonly count: number;
  next(): Server;
}

export function createServers(addresses: readonly string[], random: () => number): Servers {
  if (addresses.length === 0) {
    throw new OperatorError("ZK_SERVERS", "Cannot connect to ZooKeeper: the list of servers is empty", {
      hint: "Name at least one server as host:port",
    });
  }
  const servers = shuffled(addresses.map(parseServer), random);
  let turn = 0;
  return {
    count: servers.length,
    next() {
      const server = servers[turn % servers.length];
      assert(server !== undefined, "the list of servers is not empty");
      turn += 1;
      return server;
    },
  };
}

function parseServer(address: string): Server {
  const match = /^(?:\[(?<ipv6>[0-9a-fA-F:.%\w]+)\]|(?<name>[^:[\]\s]+)):(?<port>\d{1,5})$/.exec(address);
  const host = match?.groups?.["ipv6"] ?? match?.groups?.["name"];
  const port = Number(match?.groups?.["port"]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new OperatorError("ZK_SERVERS", `Cannot read ${JSON.stringify(address)} as a ZooKeeper server`, {
      hint: "Write host:port, an IPv6 address in brackets: zk1.example:2181, 10.0.0.1:2181, [fd00::1]:2181",
    });
  }
  return { address, host, port };
}

/** Each order is equally likely: every server goes to a random place among those before it. */
function shuffled(servers: readonly Server[], random: () => number): Server[] {
  const order: Server[] = [];
  for (const server of servers) {
    const at = Math.floor(random() * (order.length + 1));
    order.splice(at, 0, server);
  }
  return order;
}
