import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Whether anybody still holds it, once all that nobody holds is thrown away. */
export async function isKept(ref: WeakRef<object>): Promise<boolean> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // Until the turn ends in which a reference was made, it holds what it refers to.
  await setImmediate();
  collect();
  return ref.deref() !== undefined;
}
