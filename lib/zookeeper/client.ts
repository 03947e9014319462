import { ZooKeeperError } from "./errors.ts";
import { defaultLimits, type ZooKeeperOptions } from "./options.ts";
import { createChroot } from "./path.ts";
import { createRequests } from "./requests.ts";
import { createSession } from "./session.ts";
import { createWatches } from "./watches.ts";
import type { ZooKeeper } from "./zookeeper.ts";

/**
 * A client that connects by itself in the background, until it is closed or its signal is aborted.
 * Data in answers are views of the received frame: copy what is kept for long, or the whole frame stays in memory.
 * @throws {OperatorError} when the list of servers or the chroot can't be read
 */
export function createZooKeeper(options: ZooKeeperOptions): ZooKeeper {
  const chroot = createChroot(options.chroot);
  const watches = createWatches();
  const requests = createRequests(chroot, watches);
  const session = createSession({
    ...options,
    limits: { ...defaultLimits, ...options.limits },
    watches,
    onWatch: ({ kind, path }, zxid) => {
      const ownPath = chroot.fromServer(path);
      if (ownPath !== undefined) options.onWatch({ kind, path: ownPath, zxid: zxid > 0n ? zxid : undefined });
    },
  });
  const close = () => session.close({ flush: true });

  return {
    get state() {
      return session.state;
    },
    get lastZxid() {
      return session.lastZxid;
    },
    connected: ({ signal }) => session.connected(signal),
    getData: async (path, { signal }) => session.request(requests.getData(path), signal),
    getChildren: async (path, { signal }) => session.request(requests.getChildren(path), signal),
    async exists(path, { signal }) {
      try {
        return await session.request(requests.exists(path), signal);
      } catch (error) {
        if (error instanceof ZooKeeperError && error.is("noNode")) return null;
        throw error;
      }
    },
    getAcl: async (path, { signal }) => session.request(requests.getAcl(path), signal),
    setAcl: async (path, acl, aversion, { signal }) => session.request(requests.setAcl(path, acl, aversion), signal),
    create: async (path, data, { signal, ...node }) => session.request(requests.create(path, data, node), signal),
    setData: async (path, data, version, { signal }) => session.request(requests.setData(path, data, version), signal),
    delete: async (path, version, { signal }) => session.request(requests.delete(path, version), signal),
    multi: async (ops, { signal }) => session.request(requests.multi(ops), signal),
    multiRead: async (reads, { signal }) => session.request(requests.multiRead(reads), signal),
    sync: async (path, { signal }) => session.request(requests.sync(path), signal),
    whoAmI: async ({ signal }) => session.request(requests.whoAmI(), signal),
    addWatch: async (path, { recursive, signal }) => session.request(requests.addWatch(path, recursive), signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}
