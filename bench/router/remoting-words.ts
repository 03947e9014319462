import { noRoute, type Words } from "./words.ts";

const prefixBytes = 8;
const opaqueName = '"opaque":';

/** Requests as RocketMQ 5.3.3's Java client writes them: a JSON header, no body. */
export function remotingWords(): Words {
  return {
    request(topic, id) {
      const header = `{"code":105,"extFields":{"topic":"${topic}"},"flag":0,"language":"JAVA","opaque":${id},"serializeTypeCurrentRPC":"JSON","version":479}`;
      const bytes = Buffer.allocUnsafe(prefixBytes + header.length);
      bytes.writeInt32BE(prefixBytes - 4 + header.length, 0);
      bytes.writeInt32BE(header.length, 4);
      bytes.write(header, prefixBytes, "latin1");
      return bytes;
    },
    answer(bytes) {
      if (bytes.length < prefixBytes) return undefined;
      const used = bytes.readInt32BE(0) + 4;
      if (bytes.length < used) return undefined;
      const headerEnd = prefixBytes + (bytes.readInt32BE(4) & 0xff_ffff);
      const header = bytes.toString("latin1", prefixBytes, headerEnd);
      const from = header.indexOf(opaqueName) + opaqueName.length;
      const id = Number.parseInt(header.slice(from, from + 11), 10);
      return { used, id, bodyBytes: header.includes('"code":0,') ? used - headerEnd : noRoute };
    },
  };
}
