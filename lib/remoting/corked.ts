import type { Socket } from "node:net";

/** Writes to a socket so that all that is written in one turn of the event loop leaves in one packet, as far as it fits. */
export function createCorkedWriter(socket: Socket): (bytes: Uint8Array) => void {
  let corked = false;
  return (bytes) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
  };
}
