import kafkajs, {
  type Assignment,
  type GroupMember,
  type GroupMemberAssignment,
  type PartitionAssigner,
} from "kafkajs";
import { type AllocationConsumer, allocate } from "../../lib/allocation.ts";
import { nearestAllocator } from "../../lib/telemetry.ts";

const { AssignerProtocol } = kafkajs;

/** All members of a group must offer it, or Kafka takes another one that all offer. */
const assignerName = nearestAllocator;
/** Of what members tell each other. */
const version = 1;
const userDataBytesMax = 64 * 1024;

/** What a member tells whoever assigns. */
interface MemberWord {
  readonly idc: string;
  /** What it has now, so that it keeps it. */
  readonly has: Assignment;
}

export interface NearestAssigner {
  readonly create: PartitionAssigner;
  /** What this member was given last. */
  assigned(assignment: Assignment): void;
}

/**
 * A partition assigner for kafkajs: partitions go to members of the IDC that is their leader's rack, what is near to nobody is shared
 * so that all have about the same, and nothing moves without need.
 */
export function createNearestAssigner(idc: string): NearestAssigner {
  let has: Assignment = {};
  return {
    assigned(assignment) {
      has = assignment;
    },
    create: ({ cluster }) => ({
      name: assignerName,
      version,
      protocol({ topics }) {
        const word: MemberWord = { idc, has };
        const userData = Buffer.from(JSON.stringify(word));
        const fits = userData.length <= userDataBytesMax ? userData : Buffer.from(JSON.stringify({ idc, has: {} }));
        return {
          name: assignerName,
          metadata: AssignerProtocol.MemberMetadata.encode({ version, topics: [...topics], userData: fits }),
        };
      },
      async assign({ members, topics }) {
        const { brokers } = await cluster.metadata();
        const racks = new Map(brokers.map(({ nodeId, rack }) => [nodeId, rack ?? ""]));
        const leaders = new Map(
          topics.map((topic) => [
            topic,
            cluster.findTopicPartitionMetadata(topic).map(({ partitionId, leader }) => {
              return { partition: partitionId, idc: racks.get(leader) ?? "" };
            }),
          ]),
        );
        return assignNearest(members, leaders);
      },
    }),
  };
}

/** By topic: its partitions, each with the IDC of its leader. */
type Leaders = ReadonlyMap<string, readonly { readonly partition: number; readonly idc: string }[]>;

/** Each topic by itself, among those who read it. Pure. */
export function assignNearest(members: readonly GroupMember[], leaders: Leaders): GroupMemberAssignment[] {
  const words = members.map(readMember);
  const given = new Map<string, Assignment>(words.map(({ id }) => [id, {}]));
  for (const [topic, partitions] of leaders) {
    const readers = words.filter(({ topics }) => topics.includes(topic));
    if (readers.length === 0) continue;
    const consumers = readers.map(({ id, idc, has }): AllocationConsumer => {
      return { id, idc, has: (has[topic] ?? []).map(String) };
    });
    const queues = partitions.map(({ partition, idc }) => ({ id: String(partition), idc }));
    for (const [id, ids] of allocate(queues, consumers)) {
      const own = given.get(id);
      if (own !== undefined && ids.length > 0) own[topic] = ids.map(Number);
    }
  }
  return [...given].map(([memberId, assignment]) => ({
    memberId,
    memberAssignment: AssignerProtocol.MemberAssignment.encode({ version, assignment, userData: Buffer.alloc(0) }),
  }));
}

/** A member whose word cannot be read is in no known IDC, and has nothing. */
function readMember({ memberId, memberMetadata }: GroupMember): MemberWord & { id: string; topics: readonly string[] } {
  const decoded = AssignerProtocol.MemberMetadata.decode(memberMetadata);
  const topics = decoded?.topics ?? [];
  try {
    const { idc, has } = JSON.parse((decoded?.userData ?? "").toString()) as Record<string, unknown>;
    return { id: memberId, topics, idc: typeof idc === "string" ? idc : "", has: readAssignment(has) };
  } catch {
    return { id: memberId, topics, idc: "", has: {} };
  }
}

function readAssignment(value: unknown): Assignment {
  if (typeof value !== "object" || value === null) return {};
  const isPartitions = (some: unknown): some is number[] => Array.isArray(some) && some.every(Number.isSafeInteger);
  return Object.fromEntries(Object.entries(value).filter(([, partitions]) => isPartitions(partitions)));
}
