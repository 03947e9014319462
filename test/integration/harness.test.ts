import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { connectApplication } from "./harness/application.ts";
import { startEnsemble } from "./harness/ensemble.ts";
import { eventually } from "./harness/eventually.ts";
import { runProcess, startProcess } from "./harness/process.ts";
import { inProject } from "./harness/project.ts";
import { startProxy } from "./harness/proxy.ts";
import { startZooKeeper } from "./harness/zookeeper.ts";

const node = inProject("node_modules/.bin/node");

test.for(["3.8", "3.9"] as const)(
  "a ZooKeeper %s server serves, keeps its data over a crash and loses it when wiped",
  async (version) => {
    await using server = await startZooKeeper({ version });
    expect(await server.fourLetter("srvr")).toContain(`Zookeeper version: ${version}.`);
    {
      await using application = await connectApplication(server.address);
      await application.mkdirp("/zms/topic/orders", "clusterName=rmq-idc1\n");
    }
    const { pid } = server;
    await server.restart();
    expect(server.pid).not.toBe(pid);
    {
      await using application = await connectApplication(server.address);
      expect(await application.tree("/zms")).toEqual({
        "/zms": "",
        "/zms/topic": "",
        "/zms/topic/orders": "clusterName=rmq-idc1\n",
      });
    }
    await server.wipe();
    await using application = await connectApplication(server.address);
    expect(await application.stat("/zms")).toBeNull();
  },
);

test("a server that does not start says why", async () => {
  const start = startZooKeeper({ version: "3.9", config: { tickTime: "soon" } });
  await expect(start).rejects.toThrow(/does not serve.*NumberFormatException/s);
});

test("a stopped server is half open, and goes on where it stood", async () => {
  await using server = await startZooKeeper({ version: "3.8" });
  server.stop();
  await expect(server.fourLetter("srvr")).rejects.toThrow("no answer to srvr");
  server.cont();
  await eventually(async () => expect(await server.fourLetter("srvr")).toContain("Mode:"), { withinMs: 5_000 });
});

test("an ensemble elects another leader when its leader is killed", async () => {
  await using ensemble = await startEnsemble({ version: "3.9", size: 3 });
  expect(ensemble.connect).toHaveLength(3);
  const leader = await ensemble.leader();
  await leader.kill();
  await eventually(async () => expect((await ensemble.leader()).address).not.toBe(leader.address), {
    withinMs: 20_000,
  });
  await leader.restart();
  expect(await leader.fourLetter("srvr")).toContain("Mode: follower");
});

test("the application tells null from no bytes, and its errors name what was asked", async () => {
  await using server = await startZooKeeper({ version: "3.9" });
  await using application = await connectApplication(server.address);
  await application.multi([
    { kind: "create", path: "/null" },
    { kind: "create", path: "/empty", data: "" },
    { kind: "create", path: "/set", data: "1" },
    { kind: "set", path: "/set", data: "2", version: 0 },
  ]);
  expect(await application.get("/null")).toBeNull();
  expect(await application.get("/empty")).toEqual(Buffer.alloc(0));
  expect(await application.text("/set")).toBe("2");
  await application.set("/set", null);
  expect(await application.get("/set")).toBeNull();
  expect(await application.create("/job-", "x", { sequential: true })).toBe("/job-0000000003");
  await expect(application.get("/none")).rejects.toThrow("get /none: Exception: NO_NODE");
  await application.setAcl("/set", [{ perms: 1, scheme: "world", id: "anyone" }]);
  expect(await application.acl("/set")).toEqual([{ perms: 1, scheme: "world", id: "anyone" }]);
  await application.removeAll("/empty");
  expect(await application.children("/")).toEqual(["job-0000000003", "null", "set", "zookeeper"]);
});

test("an ephemeral goes with its application", async () => {
  await using server = await startZooKeeper({ version: "3.8" });
  await using watcher = await connectApplication(server.address);
  {
    await using owner = await connectApplication(server.address);
    await owner.create("/alive", "x", { ephemeral: true });
    expect((await watcher.stat("/alive"))?.ephemeralOwner).not.toBe(0n);
  }
  await eventually(async () => expect(await watcher.stat("/alive")).toBeNull(), { withinMs: 5_000 });
});

test("a proxy passes, delays, freezes one way, drops, cuts and heals", async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy({ target: echo.address });
  const first = await openLine(proxy.address);
  expect(await first.ask("a")).toBe("a");

  proxy.setDelay(50);
  const askedAt = performance.now();
  expect(await first.ask("b")).toBe("b");
  expect(performance.now() - askedAt).toBeGreaterThanOrEqual(99);
  proxy.setDelay(0);

  proxy.freeze("toClient");
  const answer = first.ask("c");
  await eventually(() => expect(echo.received()).toBe("abc"), { withinMs: 2_000 });
  const second = await openLine(proxy.address);
  expect(first.received()).toBe("ab");
  proxy.thaw();
  expect(await answer).toBe("c");

  proxy.freeze();
  const third = await openLine(proxy.address);
  const late = third.ask("d");
  expect(proxy.connections).toBe(3);
  proxy.thaw();
  expect(await late).toBe("d");

  proxy.dropConnections();
  await Promise.all([first.closed, second.closed, third.closed]);
  expect(proxy.connections).toBe(0);
  const fourth = await openLine(proxy.address);
  expect(await fourth.ask("e")).toBe("e");

  await proxy.cut();
  await fourth.closed;
  await expect(openLine(proxy.address)).rejects.toThrow("ECONNREFUSED");
  await proxy.heal();
  const fifth = await openLine(proxy.address);
  expect(await fifth.ask("f")).toBe("f");
  expect(proxy.accepted).toBe(5);
});

test("a process's lines can be waited for, and a wait in vain shows its output", async () => {
  await using child = startProcess(node, [
    "-e",
    "console.log('one'); console.error('two'); setInterval(() => {}, 1000)",
  ]);
  expect((await child.waitForLine(/^t(w)o$/, { timeoutMs: 10_000 }))[1]).toBe("w");
  await child.waitForLine(/one/, { timeoutMs: 10_000 });
  await expect(child.waitForLine(/three/, { timeoutMs: 50 })).rejects.toThrow(/no line like \/three\/ in 50 ms.*two/s);
  expect(await child.kill("SIGTERM")).toEqual({ code: null, signal: "SIGTERM" });
  await expect(child.waitForLine(/three/, { timeoutMs: 50 })).rejects.toThrow("ended (SIGTERM) without a line");
});

test("a command's code, output and input are kept apart", async () => {
  const script = "process.stdin.pipe(process.stdout); console.error('err'); process.exitCode = 3";
  const result = await runProcess(node, ["-e", script], { timeoutMs: 10_000, stdin: "in\n" });
  expect(result).toEqual({ code: 3, stdout: "in\n", stderr: "err\n" });
});

test("a check that never comes true fails with its own error and the time it had", async () => {
  await expect(eventually(() => expect(1).toBe(2), { withinMs: 60 })).rejects.toThrow(
    /Not so after \d+ ms.*expected 1 to be 2/s,
  );
  await expect(eventually(() => new Promise(() => {}), { withinMs: 60 })).rejects.toThrow("had not answered yet");
});

test("a test process killed with SIGKILL leaves no server running", async () => {
  const script = `
    import { startZooKeeper } from "./test/integration/harness/zookeeper.ts";
    const server = await startZooKeeper({ version: "3.8", dataDir: process.env.DATA });
    console.log("pid " + server.pid);
    setInterval(() => {}, 1000);`;
  await using server = await startZooKeeper({ version: "3.8" });
  await using parent = startProcess(node, ["--input-type=module", "-e", script], {
    env: { DATA: `${server.dataDir}/second` },
  });
  const pid = Number((await parent.waitForLine(/^pid (\d+)$/, { timeoutMs: 40_000 }))[1]);
  expect(await commandOf(pid)).toContain("QuorumPeerMain");
  await parent.kill("SIGKILL");
  await eventually(async () => expect(await commandOf(pid)).not.toContain("QuorumPeerMain"), { withinMs: 5_000 });
  expect(await commandOf(server.pid)).toContain("QuorumPeerMain");
});

test("every process's output is kept in a file of its own", async () => {
  const { stdout } = await runProcess(node, ["-p", "'kept'"], { timeoutMs: 10_000, name: "keeper" });
  expect(stdout).toBe("kept\n");
  await eventually(
    async () => {
      const files = (await readdir(inProject(".cache/test-logs"))).filter((file) => file.includes("-keeper-"));
      expect(await readFile(inProject(`.cache/test-logs/${files.sort().at(-1)}`), "utf8")).toBe("kept\n");
    },
    { withinMs: 2_000 },
  );
});

/** Empty when there is no such process. */
async function commandOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}

async function startEcho() {
  const sockets = new Set<Socket>();
  let received = "";
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk;
      socket.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the echo server has no port");
  return {
    address: `127.0.0.1:${address.port}`,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function openLine(address: string) {
  const socket = connect({ host: "127.0.0.1", port: Number(address.split(":")[1]) });
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk;
  });
  await once(socket, "connect");
  const closed = once(socket, "close");
  return {
    closed,
    received: () => received,
    async ask(question: string) {
      const answer = received.length;
      socket.write(question);
      await eventually(() => expect(received.slice(answer)).toHaveLength(question.length), {
        withinMs: 5_000,
        everyMs: 2,
      });
      return received.slice(answer);
    },
  };
}
