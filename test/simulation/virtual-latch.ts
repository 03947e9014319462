/** The latch of the virtual world: members in the order in which they came, the first of them leads. */
export interface VirtualLatch {
  /** Number of the member that leads. */
  readonly leader: number | undefined;
  /** Joins, or finds its place again. `onTurn` is called when it becomes the first later on. */
  enter(member: number, onTurn: (place: Place) => void): Place;
  leave(member: number): void;
  leaveToOthers(member: number): void;
}

interface Place {
  /** Different for each time that a member joins. */
  readonly node: number;
  readonly first: boolean;
  readonly leader: number;
}

export function createVirtualLatch(): VirtualLatch {
  let queue: { member: number; node: number; onTurn: (place: Place) => void }[] = [];
  let nodes = 0;

  const leave = (member: number): void => {
    const [before] = queue;
    queue = queue.filter((one) => one.member !== member);
    const [now] = queue;
    if (now !== undefined && now !== before) now.onTurn({ node: now.node, first: true, leader: now.member });
  };
  return {
    get leader() {
      return queue[0]?.member;
    },
    enter(member, onTurn) {
      const known = queue.find((one) => one.member === member);
      if (known === undefined) queue.push({ member, node: ++nodes, onTurn });
      else known.onTurn = onTurn;
      const own = known ?? queue.at(-1);
      return { node: own?.node ?? 0, first: own === queue[0], leader: queue[0]?.member ?? member };
    },
    leave,
    leaveToOthers(member) {
      if (queue.some((one) => one.member !== member)) leave(member);
    },
  };
}
