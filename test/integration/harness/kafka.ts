import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { kafkaRecipes } from "../../world/servers/kafka.ts";
import { makeDataFolder } from "./data-folder.ts";
import { freePorts } from "./ports.ts";
import { type RunningProcess, runProcess, startProcess } from "./process.ts";

const prepareMsMax = 60_000;

interface KafkaNode {
  /** "127.0.0.1:port" */
  readonly address: string;
  /** A crash: SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Kills it if need be, and starts it again with its data. Resolves when it serves. */
  restart(): Promise<void>;
  /** SIGSTOP, in force at return. */
  stop(): void;
  cont(): void;
}

export interface KafkaCluster extends AsyncDisposable {
  readonly nodes: readonly KafkaNode[];
  /** "127.0.0.1:port" of each. */
  readonly addresses: readonly string[];
}

/** One Kafka 4.1 cluster on loopback, a node for each rack. Resolves when it serves. */
export async function startKafka(racks: readonly string[]): Promise<KafkaCluster> {
  const folder = await makeDataFolder("crossidc-kafka-");
  const ports = await freePorts(racks.length * 2);
  const recipes = kafkaRecipes(
    racks.map((rack, nth) => ({
      name: `kafka-${nth + 1}`,
      site: "idc1",
      host: "127.0.0.1",
      ports: { listen: ports[nth * 2] ?? 0, controller: ports[nth * 2 + 1] ?? 0 },
      rack,
    })),
  );
  const processes: (RunningProcess | undefined)[] = racks.map(() => undefined);
  const dial = (address: string) => async (): Promise<Socket> => {
    const [host, port] = address.split(":");
    const socket = connect({ host, port: Number(port) });
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };

  const nodes = recipes.map((recipe, nth): KafkaNode => {
    const own = join(folder, recipe.name);
    const processOf = (): RunningProcess => {
      const process = processes[nth];
      if (process === undefined) throw new Error(`${recipe.name} was never started`);
      return process;
    };
    return {
      address: recipe.address,
      kill: async () => void (await processOf().kill()),
      async restart() {
        await processes[nth]?.kill();
        const [command = "", ...args] = recipe.command(own);
        const process = startProcess(command, args, { name: recipe.name });
        processes[nth] = process;
        const ended = process.exit.then(() => {
          throw new Error(`${recipe.name} has ended. ${process.log()}`);
        });
        const ask = async (question: string): Promise<string> => {
          const socket = await dial(recipe.address)();
          socket.end(question);
          return await text(socket);
        };
        await Promise.race([recipe.ready({ process, dial: dial(recipe.address), ask }), ended]);
        ended.catch(() => {});
      },
      stop: () => processOf().stop(),
      cont: () => processOf().signal("SIGCONT"),
    };
  });

  const self: KafkaCluster = {
    nodes,
    addresses: nodes.map(({ address }) => address),
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((process) => process?.[Symbol.asyncDispose]()));
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    for (const { name, files, prepare } of recipes) {
      const own = join(folder, name);
      await mkdir(join(own, "data"), { recursive: true });
      for (const [file, content] of Object.entries(files?.(own) ?? {})) await writeFile(join(own, file), content);
      const [command = "", ...args] = prepare?.(own) ?? [];
      const { code, stdout, stderr } = await runProcess(command, args, { timeoutMs: prepareMsMax, name });
      if (code !== 0) throw new Error(`${name} could not be prepared: ${stdout}${stderr}`);
    }
    await Promise.all(nodes.map((node) => node.restart()));
    return self;
  } catch (error) {
    await self[Symbol.asyncDispose]();
    throw error;
  }
}
