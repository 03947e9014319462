import { cidrOf, createNetworks } from "#lib/cidr.ts";
import type { Gate } from "./model.ts";

/** Whether a client is among those that a gate lets through. @param host its address, without a port */
export type GateKeeper = (gate: Gate | undefined, host: string) => boolean;

/** Asked for each request of a topic that has a gate: the list is made ready once for each gate. */
export function createGateKeeper(): GateKeeper {
  const ready = new WeakMap<Gate, (host: string) => boolean>();
  return (gate, host) => {
    if (gate === undefined) return false;
    const known = ready.get(gate);
    if (known !== undefined) return known(host);
    const matches = createNetworks(gate.ips.map(cidrOf).filter((cidr) => cidr !== undefined));
    ready.set(gate, matches);
    return matches(host);
  };
}
