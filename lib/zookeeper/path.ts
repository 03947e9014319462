import { errorCodes, ZooKeeperError } from "./errors.ts";

/** Maps between the paths our caller uses and those of the server, which lie below a chroot. */
export interface Chroot {
  /** @throws {ZooKeeperError} badArguments, when the path would address something else than it says */
  toServer(path: string): string;
  /** undefined: outside the chroot. */
  fromServer(path: string): string | undefined;
}

export function createChroot(root: string | undefined): Chroot {
  if (root === undefined || root === "/") {
    return { toServer: checked, fromServer: (path) => path };
  }
  checked(root);
  const below = `${root}/`;
  return {
    toServer: (path) => (path === "/" ? root : root + checked(path)),
    fromServer: (path) => {
      if (path === root) return "/";
      return path.startsWith(below) ? path.slice(root.length) : undefined;
    },
  };
}

/** What else makes a path valid is the server's to say; these are the mistakes that would silently reach another node. */
function checked(path: string): string {
  const sound = path.startsWith("/") && (path === "/" || !path.endsWith("/")) && path.isWellFormed();
  if (sound) return path;
  throw new ZooKeeperError(errorCodes.badArguments, `Cannot use ${JSON.stringify(path)} as a path`, {
    hint: "A path starts with /, does not end with / unless it is the root, and is well-formed Unicode",
  });
}
