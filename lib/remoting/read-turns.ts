import type { Socket } from "node:net";

/** Shares a turn of the event loop among those who send large frames: what else is there to read or to do has its turn meanwhile. */
export interface ReadTurns {
  /** So many bytes of a large frame came. When too much has come in this turn its socket is not read before a later one. */
  took(socket: Socket, bytes: number): void;
}

/** What the kernel is asked for at a time. */
const chunkBytes = 64 * 1024;
/** Frames that are smaller are read as they come. */
export const smallBytesMax = chunkBytes;

/** @param turnBytesMax together, of large frames; what a socket has already been asked for comes on top */
export function createReadTurns(turnBytesMax: number): ReadTurns {
  const waiting: Socket[] = [];
  const atATime = Math.max(1, Math.floor(turnBytesMax / chunkBytes));
  let takenBytes = 0;
  let isDue = false;

  function nextTurn(): void {
    isDue = false;
    takenBytes = 0;
    for (const socket of waiting.splice(0, atATime)) socket.resume();
    if (waiting.length > 0) awaitTurn();
  }

  function awaitTurn(): void {
    if (isDue) return;
    isDue = true;
    setImmediate(nextTurn);
  }

  return {
    took(socket, bytes) {
      takenBytes += bytes;
      awaitTurn();
      if (takenBytes < turnBytesMax) return;
      socket.pause();
      waiting.push(socket);
    },
  };
}
