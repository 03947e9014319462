import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { messageOf } from "#lib/errors.ts";
import type { Quality, Traffic } from "./quality.ts";
import type { SiteName, Way } from "./sites.ts";

/** What a world's network is told: JSON, one order for each connection, which its sender then ends; answered by JSON. */
export type Order =
  | { readonly verb: "where" }
  | { readonly verb: "set"; readonly ways: readonly Way[]; readonly change: Partial<Quality> }
  | { readonly verb: "reach" }
  | { readonly verb: "end" };

/** How to get into the network: files that stand for its namespaces, below /proc, as long as the keeper lives. */
export interface Where {
  readonly keeper: number;
  readonly network: Readonly<Record<SiteName, string>>;
  readonly mount: string;
}

/** What was measured on one way, beside what it was told to be. */
export interface Reach extends Way {
  readonly quality: Quality;
  readonly traffic: Traffic;
  /** Probes sent just now, and those that arrived. */
  readonly sent: number;
  readonly heard: number;
  /** The median of those that arrived. */
  readonly delayMs: number | undefined;
}

interface Answers {
  readonly where: Where;
  readonly set: null;
  readonly reach: readonly Reach[];
  readonly end: null;
}

/** One order, one answer. @throws when nobody listens there, or with what the keeper says against it */
export async function order<Verb extends Order["verb"]>(
  socketFile: string,
  wanted: Extract<Order, { verb: Verb }>,
): Promise<Answers[Verb]> {
  const socket = connect(socketFile);
  await once(socket, "connect");
  socket.end(`${JSON.stringify(wanted)}\n`);
  const answer = JSON.parse(await text(socket)) as { answer: Answers[Verb] } | { error: string };
  if ("error" in answer) throw new Error(`The world's network refuses ${JSON.stringify(wanted)}: ${answer.error}`);
  return answer.answer;
}

export function serveOrders(
  socketFile: string,
  obey: (wanted: Order) => Promise<Answers[Order["verb"]]>,
): Promise<Server> {
  const serve = async (socket: Socket): Promise<void> => {
    const wanted = JSON.parse(await text(socket)) as Order;
    const answer = await obey(wanted).then(
      (result) => ({ answer: result }),
      (error: unknown) => ({ error: messageOf(error) }),
    );
    socket.end(JSON.stringify(answer));
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // Whoever goes away needs no answer.
    socket.on("error", () => {});
    serve(socket).catch(() => socket.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketFile, () => resolve(server));
  });
}
