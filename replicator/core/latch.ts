/**
 * Which of several replicators of one link leads: each has an ephemeral sequential znode
 * `/crossidc/latches/<link>/<member>-<sequence>` in the target, and the lowest sequence leads. The latch only keeps them from
 * taking the link over from each other all the time; what keeps a slow one from writing is the fence (claim.ts).
 */
export type LatchDecision =
  | { readonly kind: "join" }
  /** `name`: the member's own node. */
  | { readonly kind: "lead"; readonly name: string }
  /** `leader`: node of the member that leads. */
  | { readonly kind: "wait"; readonly name: string; readonly leader: string };

/** ZooKeeper appends ten digits to the name it is given. */
const memberName = /^([0-9a-f]{8})-([0-9]{10})$/;

/** What `member` does, as the latch's children are `names`. Nodes that are no member's are not looked at. */
export function decideLatch(names: readonly string[], member: string): LatchDecision {
  const queue = names
    .flatMap((name) => {
      const [, of, sequence] = memberName.exec(name) ?? [];
      return of === undefined ? [] : [{ name, of, sequence: Number(sequence) }];
    })
    .toSorted((a, b) => a.sequence - b.sequence);
  const own = queue.find(({ of }) => of === member);
  const [first] = queue;
  if (own === undefined || first === undefined) return { kind: "join" };
  if (own === first) return { kind: "lead", name: own.name };
  return { kind: "wait", name: own.name, leader: first.name };
}
