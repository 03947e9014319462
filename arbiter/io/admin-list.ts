import { BlockList, isIP } from "node:net";
import { OperatorError } from "#lib/errors.ts";

/** From where operators' calls are taken. */
export type AdminList = (remoteAddress: string) => boolean;

/**
 * @param cidrs "10.1.0.0/16", "::1/128"; without any nobody may
 * @returns takes host:port, an IPv6 address in brackets. An IPv4 address written as IPv6 counts as what it is.
 * @throws {OperatorError} ARB_ADMIN_CIDRS when one is no CIDR
 */
export function createAdminList(cidrs: readonly string[]): AdminList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const { network, bits } = parseCidr(cidr);
    list.addSubnet(network, bits, familyOf(network));
  }
  return (remoteAddress) => {
    const host = /^\[?([^\]]*?)\]?:\d+$/.exec(remoteAddress)?.[1] ?? "";
    return isIP(host) !== 0 && list.check(host, familyOf(host));
  };
}

function parseCidr(cidr: string): { network: string; bits: number } {
  const [, network = "", digits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(cidr) ?? [];
  const bits = Number(digits);
  if (digits !== "" && isIP(network) !== 0 && bits <= (isIP(network) === 4 ? 32 : 128)) return { network, bits };
  throw new OperatorError("ARB_ADMIN_CIDRS", `controller.adminCidrs has ${JSON.stringify(cidr)}, which is no CIDR`, {
    hint: 'Write a network and its bits, such as "10.1.0.0/16", or "10.1.0.7/32" for one host',
  });
}

function familyOf(host: string): "ipv4" | "ipv6" {
  return isIP(host) === 6 ? "ipv6" : "ipv4";
}
