import type { Network } from "../network/network.ts";
import type { SiteName } from "../network/sites.ts";
import { createRemoting, type Remoting } from "./remoting.ts";

/**
 * A client in a site, of the server at HOST:PORT. Over a cut line a connection may come about much later: it is closed then.
 * @throws when it is refused, or takes longer
 */
export async function dialRemoting(
  network: Network,
  site: SiteName,
  address: string,
  timeoutMs: number,
): Promise<Remoting> {
  const late = Promise.withResolvers<never>();
  let given = false;
  const timer = setTimeout(() => {
    given = true;
    late.reject(new Error(`no connection from ${site} to ${address} in ${timeoutMs} ms`));
  }, timeoutMs);
  const dialed = network.dial(site, address);
  dialed.then(
    (socket) => given && socket.destroy(),
    () => {},
  );
  try {
    return createRemoting(await Promise.race([dialed, late.promise]));
  } finally {
    clearTimeout(timer);
  }
}

/** Connections to several servers, one to each, dialed when they are needed. */
export interface Switchboard extends AsyncDisposable {
  /** @throws when it cannot be dialed */
  to(address: string): Promise<Remoting>;
  /** The next call dials anew. The old connection stays, for answers that are late, until all are closed. */
  leave(address: string): void;
}

export function createSwitchboard(network: Network, site: SiteName, dialMsMax: number): Switchboard {
  const current = new Map<string, Promise<Remoting>>();
  const all: Promise<Remoting>[] = [];

  return {
    async to(address) {
      const known = current.get(address);
      if (known !== undefined && (await known).open) return await known;
      // Another caller may have dialed while we looked.
      const again = current.get(address);
      if (again !== undefined && again !== known) return await again;
      const dialing = dialRemoting(network, site, address, dialMsMax);
      current.set(address, dialing);
      all.push(dialing);
      dialing.catch(() => current.get(address) === dialing && current.delete(address));
      return await dialing;
    },
    leave: (address) => void current.delete(address),
    async [Symbol.asyncDispose]() {
      for (const dialed of await Promise.allSettled(all)) {
        if (dialed.status === "fulfilled") await dialed.value[Symbol.asyncDispose]();
      }
    },
  };
}
