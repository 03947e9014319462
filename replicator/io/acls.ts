import { createHash } from "node:crypto";
import type { ZooKeeperConfig } from "#config/replicator.ts";
import { readSecret } from "#config/secret.ts";
import type { ZooKeeper } from "#lib/zookeeper/zookeeper.ts";
import type { Identity } from "../core/acl.ts";
import type { AclWrite, AclWriteOutcome, AclWriteResult, Checkpoint } from "../core/link-events.ts";
import type { JournalStore } from "./journal.ts";
import { answered } from "./reader.ts";

/** What the link does with the target's ACLs where they are copied. ARCHITECTURE.md has the crash table. */

/**
 * Under which identities the server knows us: it has put them into the ACL of a node that we created with `auth`. whoAmI tells
 * of a digest the user's name only.
 */
export async function learnIdentities(
  target: ZooKeeper,
  ownNode: string,
  signal: AbortSignal,
): Promise<readonly Identity[]> {
  const { acl } = await target.getAcl(ownNode, { signal });
  return acl.filter(({ scheme }) => scheme !== "world").map(({ scheme, id }) => ({ scheme, id }));
}

/**
 * The same for who has created nothing there yet, as a plan before the first start: as a server makes them unless it is told to
 * use another algorithm. Good enough to look at, not to write by.
 * @source ZooKeeper 3.9 DigestAuthenticationProvider, generateDigest
 */
export function presumedIdentities(
  { auth }: ZooKeeperConfig,
  credentialsDirectory: string | undefined,
): readonly Identity[] {
  return auth.map(({ scheme, credentialFile }) => {
    const credential = readSecret(credentialFile, { credentialsDirectory });
    const user = credential.slice(0, credential.indexOf(":"));
    return { scheme, id: `${user}:${createHash("sha1").update(credential).digest("base64")}` };
  });
}

/**
 * setACL is no operation of a multi (I5's exception): the fence is checked just before, in the multi that keeps what others have
 * set, and each carries the aversion seen.
 */
export async function writeAclsFenced(
  { journal, target }: { readonly journal: JournalStore; readonly target: ZooKeeper },
  writes: readonly AclWrite[],
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<AclWriteOutcome> {
  const overwritten = writes.flatMap((write) => write.overwritten ?? []);
  const check = await journal.write({ ops: [], journal: overwritten, checkpoint }, signal);
  switch (check.kind) {
    case "fenced":
      return check;
    case "refused": {
      const { code } = check;
      return { kind: "done", results: writes.map(() => ({ kind: "error", code })) };
    }
    case "applied":
      return { kind: "done", results: await Promise.all(writes.map((write) => setOne(target, write, signal))) };
  }
}

function setOne(target: ZooKeeper, { path, acl, aversion }: AclWrite, signal: AbortSignal): Promise<AclWriteResult> {
  return answered(async () => ({ kind: "set", stat: await target.setAcl(path, acl, aversion, { signal }) }));
}
