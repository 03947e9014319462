import { DecodeError, type Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { WatchEventKind } from "../zookeeper.ts";

export interface WatcherEvent {
  readonly kind: WatchEventKind;
  readonly path: string;
}

const typeOf = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const satisfies Record<
  WatchEventKind,
  number
>;
const kindOf = new Map<number, WatchEventKind>(
  Object.entries(typeOf).map(([kind, type]) => [type, kind as WatchEventKind]),
);
const syncConnected = 3;

/**
 * Watcher event, after a reply header with xid -1.  type i32 | state i32 = 3 (connected) | path string
 * @source ZooKeeper 3.9 WatcherEvent, zookeeper.jute; types: Watcher.Event.EventType
 */
export function encodeWatcherEvent(writer: Writer, event: WatcherEvent): void {
  writer.i32(typeOf[event.kind]);
  writer.i32(syncConnected);
  writer.string(event.path);
}

export function decodeWatcherEvent(reader: Reader): WatcherEvent {
  const type = reader.i32();
  reader.i32();
  const kind = kindOf.get(type);
  if (kind === undefined) throw new DecodeError(`The type of a watch event is ${type}; known are 1 to 4`);
  return { kind, path: reader.string() };
}
