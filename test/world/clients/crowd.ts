/**
 * Connections that say nothing. Writes "open N" when all stand, and "closed" for each that the other side ends.
 * Usage: crowd.ts HOST PORT COUNT
 */
import { once } from "node:events";
import { connect } from "node:net";

const [host = "", port = "", count = "0"] = process.argv.slice(2);

const sockets = await Promise.all(
  Array.from({ length: Number(count) }, async () => {
    const socket = connect({ host, port: Number(port) });
    await once(socket, "connect");
    return socket.on("error", () => {}).on("close", () => console.log("closed"));
  }),
);
console.log(`open ${sockets.length}`);
