import { messageOf } from "#lib/errors.ts";
import type { Stage } from "../world/failover/stage.ts";
import { type SiteName, serverSites } from "../world/network/sites.ts";
import { ports } from "../world/ports.ts";
import type { Server } from "../world/server.ts";

/**
 * A broker and the arbiters that do not reach each other, while everybody else reaches both. Processes of one site share an
 * address, so lines cannot do that; the kernel routes by the user that a connection belongs to, and both kinds have users of
 * their own then (`ServerOptions.user`): what the broker sends to a controller's door, and what arbiters send to the broker's
 * doors, is thrown away where it is sent.
 */

/** Users that exist nowhere. */
const arbiterUser = 61_000;
const firstBrokerUser = 61_001;
/** Rules before these come before the table that makes an own address local. */
const localPref = 1_000;
const rulePref = 100;
/** A broker also listens two ports below. */
const secondDoor = 2;

export const usersOfArbiters = { user: arbiterUser };

export function userOfBroker(place: number): { readonly user: number } {
  return { user: firstBrokerUser + place };
}

/** Once for a world: from then on rules may come before the local table. @returns why this kernel does not allow it, if so */
export async function allowHiding(world: Stage["world"]): Promise<string | undefined> {
  try {
    for (const site of serverSites) {
      const probe = dropRule(arbiterUser, ["dport", String(ports.controller.listen)]);
      await ip(world, site, ["rule", "add", ...probe]);
      await ip(world, site, ["rule", "del", ...probe]);
      await ip(world, site, ["rule", "add", "pref", String(localPref), "lookup", "local"]);
      await ip(world, site, ["rule", "del", "pref", "0"]);
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** @returns what ends it */
export async function hideFromArbiters(
  stage: Pick<Stage, "world" | "brokers">,
  hidden: readonly Server[],
): Promise<() => Promise<void>> {
  const rules = hidden.flatMap((broker) => rulesFor(stage, broker));
  for (const { site, rule } of rules) await ip(stage.world, site, ["rule", "add", ...rule]);
  return async () => {
    for (const { site, rule } of rules) await ip(stage.world, site, ["rule", "del", ...rule]);
  };
}

function rulesFor(
  { brokers }: Pick<Stage, "brokers">,
  broker: Server,
): { readonly site: SiteName; readonly rule: readonly string[] }[] {
  const [host = "", port] = broker.address.split(":");
  const { user } = userOfBroker(brokers.indexOf(broker));
  return [
    { site: broker.site, rule: dropRule(user, ["dport", String(ports.controller.listen)]) },
    ...serverSites.map((site) => ({
      site,
      rule: dropRule(arbiterUser, ["to", host, "dport", `${Number(port) - secondDoor}-${port}`]),
    })),
  ];
}

/** What connections of a user send to a port is thrown away. */
function dropRule(user: number, to: readonly string[]): string[] {
  return ["pref", String(rulePref), "uidrange", `${user}-${user}`, "ipproto", "tcp", ...to, "blackhole"];
}

async function ip(world: Stage["world"], site: SiteName, args: readonly string[]): Promise<void> {
  const process = world.run(site, ["ip", ...args]);
  const { code } = await process.exit;
  if (code !== 0) throw new Error(`ip ${args.join(" ")} in ${site} ended with ${code}: ${process.output()}`);
}
