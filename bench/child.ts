import type { ChildProcess } from "node:child_process";

/** What a process that was forked for a bench tells it: one of `Message`, or `failed`, which ends any waiting. */
export interface Messages<Message extends { readonly kind: string }> {
  next<Kind extends Message["kind"]>(kind: Kind): Promise<Extract<Message, { kind: Kind }>>;
}

/** @param who for errors: "the clients" */
export function messagesOf<Message extends { readonly kind: string; readonly why?: string }>(
  child: ChildProcess,
  who: string,
): Messages<Message> {
  return {
    async next<Kind extends Message["kind"]>(kind: Kind) {
      const { promise, resolve, reject } = Promise.withResolvers<Extract<Message, { kind: Kind }>>();
      const onMessage = (message: Message): void => {
        if (message.kind === kind) resolve(message as Extract<Message, { kind: Kind }>);
        else if (message.kind === "failed") reject(new Error(`${who}: ${message.why}`));
      };
      const onExit = (code: number | null): void => reject(new Error(`${who} ended with ${code}`));
      child.on("message", onMessage);
      child.once("exit", onExit);
      try {
        return await promise;
      } finally {
        child.off("message", onMessage);
        child.off("exit", onExit);
      }
    },
  };
}
