import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { Stat, Zxid } from "../zookeeper.ts";

/**
 * Stat, 68 bytes.  czxid i64 | mzxid i64 | ctime ms i64 | mtime ms i64 | version i32 | cversion i32 | aversion i32 |
 * ephemeralOwner i64 | dataLength i32 | numChildren i32 | pzxid i64
 * @source ZooKeeper 3.9 Stat, zookeeper.jute
 */
export function encodeStat(writer: Writer, stat: Stat): void {
  writer.i64(stat.czxid);
  writer.i64(stat.mzxid);
  writer.i64(stat.ctime);
  writer.i64(stat.mtime);
  writer.i32(stat.version);
  writer.i32(stat.cversion);
  writer.i32(stat.aversion);
  writer.i64(stat.ephemeralOwner);
  writer.i32(stat.dataLength);
  writer.i32(stat.numChildren);
  writer.i64(stat.pzxid);
}

/** Most nodes were written once, and have no children: their zxids are the same, and their times. */
export function decodeStat(reader: Reader): Stat {
  const zxidAt = reader.offset;
  const czxid = reader.i64();
  const mzxid = reader.i64Again(zxidAt, czxid);
  const timeAt = reader.offset;
  const ctime = reader.i64();
  const mtime = reader.i64Again(timeAt, ctime);
  return {
    czxid: czxid as Zxid,
    mzxid: mzxid as Zxid,
    ctime,
    mtime,
    version: reader.i32(),
    cversion: reader.i32(),
    aversion: reader.i32(),
    ephemeralOwner: reader.i64(),
    dataLength: reader.i32(),
    numChildren: reader.i32(),
    pzxid: reader.i64Again(zxidAt, czxid) as Zxid,
  };
}
