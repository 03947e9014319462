import { resolve } from "node:path";

/** The checkout that the tests run in. */
export const projectFolder = resolve(import.meta.dirname, "../../..");

/** The path of a file of the project, from its path in the checkout. */
export function inProject(path: string): string {
  return resolve(projectFolder, path);
}
