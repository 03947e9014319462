import type { Application, ApplicationOp } from "../harness/application.ts";

const opsPerMulti = 200;
const multisAtOnce = 8;

/** Creates so many children below a parent that is not there yet, in a few large requests. @param options.data of each, by its number */
export async function plantMany(
  application: Application,
  options: { parent: string; nodes: number; nameOf?: (index: number) => string; data?: (index: number) => Buffer },
): Promise<void> {
  const {
    parent,
    nodes,
    nameOf = (index) => `n${index}`,
    data = (index) => Buffer.from(`value of ${index}`),
  } = options;
  await application.mkdirp(parent);
  for (let first = 0; first < nodes; first += opsPerMulti * multisAtOnce) {
    const multis: Promise<void>[] = [];
    for (let from = first; from < Math.min(nodes, first + opsPerMulti * multisAtOnce); from += opsPerMulti) {
      const ops: ApplicationOp[] = [];
      for (let index = from; index < Math.min(nodes, from + opsPerMulti); index += 1)
        ops.push({ kind: "create", path: `${parent}/${nameOf(index)}`, data: data(index) });
      multis.push(application.multi(ops));
    }
    await Promise.all(multis);
  }
}
