import { expect, test } from "vitest";
import { connectApplication } from "./harness/application.ts";
import { readTransactions } from "./harness/transaction-log.ts";
import { startZooKeeper } from "./harness/zookeeper.ts";

test.for(["3.8", "3.9"] as const)(
  "the transaction log of a %s server tells what was done, by whom, in which order, also over a crash",
  async (version) => {
    await using server = await startZooKeeper({ version });
    await using application = await connectApplication(server.address);
    await application.create("/room");
    await application.create("/room/null", null);
    await application.create("/room/empty", "");
    await application.multi([
      { kind: "create", path: "/room/a", data: "1" },
      { kind: "set", path: "/room/a", data: "2" },
    ]);
    const refused = application.multi([
      { kind: "set", path: "/room/a", data: "never" },
      { kind: "remove", path: "/room/none" },
    ]);
    await expect(refused).rejects.toThrow("NO_NODE");
    await application.setAcl("/room/a", [{ perms: 31, scheme: "world", id: "anyone" }]);
    {
      await using visitor = await connectApplication(server.address);
      await visitor.create("/room/alive", "x", { ephemeral: true });
    }
    const session = application.client.getSessionId().readBigInt64BE();
    await server.restart();
    await using late = await connectApplication(server.address);
    await late.remove("/room/null");

    const log = await readTransactions(server.dataDir, { below: "/room" });
    expect(log.filter(({ changes }) => changes.length > 0).map(({ changes }) => changes)).toEqual([
      [{ kind: "create", path: "/null", data: null, ephemeral: false }],
      [{ kind: "create", path: "/empty", data: Buffer.alloc(0), ephemeral: false }],
      [
        { kind: "create", path: "/a", data: Buffer.from("1"), ephemeral: false },
        { kind: "set", path: "/a", data: Buffer.from("2") },
      ],
      [{ kind: "setAcl", path: "/a" }],
      [{ kind: "create", path: "/alive", data: Buffer.from("x"), ephemeral: true }],
      [{ kind: "delete", path: "/alive" }],
      [{ kind: "delete", path: "/null" }],
    ]);
    expect(log.find(({ changes }) => changes.length === 2)?.session).toBe(session);
    const zxids = log.map(({ zxid }) => zxid);
    expect(zxids).toEqual(zxids.toSorted((one, other) => (one < other ? -1 : 1)));
  },
);
