import { BlockList, isIP } from "node:net";

/** "10.1.0.0/16", "fd00::/8". */
export function isCidr(text: string): boolean {
  return parse(text) !== undefined;
}

/** An address as the network that has it alone, and a network as it is; undefined: it is neither. */
export function cidrOf(text: string): string | undefined {
  return [text, `${text}/${isIP(text) === 6 ? 128 : 32}`].find(isCidr);
}

/**
 * Whether a host lies in one of the networks. Names do in none; an IPv4 address written as IPv6 counts as what it is.
 * @param cidrs those that are none match nothing: see {@link isCidr}
 */
export function createNetworks(cidrs: readonly string[]): (host: string) => boolean {
  const list = new BlockList();
  for (const { network, bits } of cidrs.map(parse).filter((each) => each !== undefined)) {
    list.addSubnet(network, bits, familyOf(network));
  }
  return (host) => isIP(host) !== 0 && list.check(host, familyOf(host));
}

/** The host of "10.1.0.7:9876" or "[::1]:9876". */
export function hostOf(address: string): string {
  return address.slice(0, Math.max(0, address.lastIndexOf(":"))).replace(/^\[(.*)\]$/, "$1");
}

function parse(text: string): { network: string; bits: number } | undefined {
  const [, network = "", digits = ""] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? [];
  const bitsMax = { 4: 32, 6: 128 }[isIP(network)];
  return bitsMax !== undefined && Number(digits) <= bitsMax ? { network, bits: Number(digits) } : undefined;
}

function familyOf(host: string): "ipv4" | "ipv6" {
  return isIP(host) === 6 ? "ipv6" : "ipv4";
}
